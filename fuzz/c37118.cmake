tieline_fuzz(c37118 LIBS tl_c37118)
