tieline_fuzz(enrol LIBS tl_enrol)
