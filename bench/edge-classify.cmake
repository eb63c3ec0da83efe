tieline_bench(edge-classify LIBS tl_edge ext_jansson)
