tieline_fuzz(route LIBS tl_gateway)
