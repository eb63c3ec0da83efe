tieline_fuzz(baseline LIBS tl_detect)
