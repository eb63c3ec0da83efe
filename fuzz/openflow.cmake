tieline_fuzz(openflow LIBS tl_openflow)
