tieline_bench(bgpls LIBS tl_bgpls ext_jansson)
