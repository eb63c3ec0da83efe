tieline_fuzz(s7comm LIBS tl_s7comm)
