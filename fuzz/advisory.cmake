tieline_fuzz(advisory LIBS tl_advisory)
