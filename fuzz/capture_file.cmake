tieline_fuzz(capture_file LIBS tl_sensor)
