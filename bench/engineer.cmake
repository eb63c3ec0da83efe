tieline_bench(engineer LIBS tl_engineer tl_io)
