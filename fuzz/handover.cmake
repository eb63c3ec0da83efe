tieline_fuzz(handover LIBS tl_edge)
