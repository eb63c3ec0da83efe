tieline_fuzz(metrics LIBS tl_edge)
