tieline_fuzz(capture LIBS tl_edge)
