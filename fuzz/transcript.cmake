tieline_fuzz(transcript LIBS tl_sensor)
