tieline_fuzz(rules LIBS tl_engineer)
