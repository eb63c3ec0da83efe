tieline_bench(classify LIBS tl_engineer ext_jansson)
target_sources(classify_bench PRIVATE classbench.c)
