tieline_bench(edge-memory LIBS tl_edge ext_jansson)
