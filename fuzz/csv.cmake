tieline_fuzz(csv LIBS tl_engineer tl_model)
