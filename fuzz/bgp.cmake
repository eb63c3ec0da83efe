tieline_fuzz(bgp LIBS tl_bgpls)
