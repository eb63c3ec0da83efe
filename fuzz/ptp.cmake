tieline_fuzz(ptp LIBS tl_edge)
