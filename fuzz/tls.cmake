tieline_fuzz(tls LIBS tl_tls)
