tieline_fuzz(nats_frame LIBS tl_bus)
