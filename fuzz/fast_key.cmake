tieline_fuzz(fast_key LIBS tl_packet)
