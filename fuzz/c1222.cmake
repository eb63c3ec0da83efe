tieline_fuzz(c1222 LIBS tl_c1222)
