tieline_fuzz(ntp LIBS tl_ntp)
