tieline_fuzz(enip LIBS tl_enip)
