tieline_fuzz(circuits_in LIBS tl_sensor)
