tieline_fuzz(sv_protocol LIBS tl_sv)
