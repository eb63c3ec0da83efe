tieline_bench(bounds LIBS tl_engineer)
