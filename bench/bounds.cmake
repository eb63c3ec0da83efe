tieline_bench(bounds LIBS tl_engineer tl_io)
