tieline_fuzz(paths LIBS tl_te)
