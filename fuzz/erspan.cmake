tieline_fuzz(erspan LIBS tl_packet)
