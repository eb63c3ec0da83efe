tieline_fuzz(mms LIBS tl_mms)
