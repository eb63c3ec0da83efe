tieline_fuzz(sensor LIBS tl_sensor)
