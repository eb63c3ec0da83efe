tieline_fuzz(scd LIBS tl_engineer tl_model)
