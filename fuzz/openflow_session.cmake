tieline_fuzz(openflow_session LIBS tl_openflow)
