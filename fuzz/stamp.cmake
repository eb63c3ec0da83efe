tieline_fuzz(stamp LIBS tl_stamp)
