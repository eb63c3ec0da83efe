tieline_fuzz(feed LIBS tl_detect)
