tieline_bench(schema LIBS tl_model)
