tieline_fuzz(machines LIBS tl_detect)
