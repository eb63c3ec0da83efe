tieline_fuzz(pce LIBS tl_wan)
