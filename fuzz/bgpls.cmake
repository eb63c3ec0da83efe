tieline_fuzz(bgpls LIBS tl_bgpls)
