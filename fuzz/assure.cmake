tieline_fuzz(assure LIBS tl_assure)
