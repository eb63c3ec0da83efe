tieline_fuzz(trace LIBS tl_edge)
