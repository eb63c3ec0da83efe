tieline_fuzz(stamp_agent LIBS tl_edge)
