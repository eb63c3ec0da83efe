tieline_fuzz(bacnet LIBS tl_bacnet)
