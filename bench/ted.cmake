tieline_bench(ted LIBS tl_te ext_jansson)
