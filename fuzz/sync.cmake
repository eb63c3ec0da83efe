tieline_fuzz(sync LIBS tl_sync)
