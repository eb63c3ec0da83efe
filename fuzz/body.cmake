tieline_fuzz(body LIBS tl_gateway)
