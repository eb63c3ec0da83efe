tieline_bench(engineer LIBS tl_engineer tl_io)
target_sources(engineer_bench PRIVATE network_generator.c)
