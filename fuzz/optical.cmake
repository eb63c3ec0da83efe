tieline_fuzz(optical LIBS tl_wan)
