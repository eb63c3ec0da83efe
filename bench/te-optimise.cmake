tieline_bench(te-optimise LIBS tl_te ext_jansson)
target_sources(te-optimise_bench PRIVATE te_instance.c)
