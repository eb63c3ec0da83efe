tieline_fuzz(nats_wire LIBS tl_bus)
