tieline_fuzz(redundancy LIBS tl_packet)
