tieline_fuzz(heartbeat LIBS tl_edge)
