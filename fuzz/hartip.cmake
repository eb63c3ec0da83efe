tieline_fuzz(hartip LIBS tl_hartip)
