tieline_bench(edge-classify LIBS tl_edge ext_jansson)
target_sources(edge-classify_bench PRIVATE classbench.c)
