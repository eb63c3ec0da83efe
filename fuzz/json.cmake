tieline_fuzz(json LIBS tl_model)
