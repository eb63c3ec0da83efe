tieline_fuzz(packet LIBS tl_packet)
