tieline_fuzz(fins LIBS tl_fins)
