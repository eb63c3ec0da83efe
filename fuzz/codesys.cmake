tieline_fuzz(codesys LIBS tl_codesys)
