tieline_fuzz(sv LIBS tl_sv)
