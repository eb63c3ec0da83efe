tieline_fuzz(frr_ted LIBS tl_wan)
