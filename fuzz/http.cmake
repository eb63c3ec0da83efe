tieline_fuzz(http LIBS tl_gateway)
