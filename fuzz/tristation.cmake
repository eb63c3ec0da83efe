tieline_fuzz(tristation LIBS tl_tristation)
