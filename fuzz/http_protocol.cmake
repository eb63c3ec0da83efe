tieline_fuzz(http_protocol LIBS tl_http)
