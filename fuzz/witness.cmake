tieline_fuzz(witness LIBS tl_sync)
