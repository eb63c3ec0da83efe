tieline_bench(prove LIBS tl_engineer tl_io)
target_sources(prove_bench PRIVATE network_generator.c)
