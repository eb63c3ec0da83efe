tieline_bench(prove-prefix LIBS tl_engineer ext_jansson)
