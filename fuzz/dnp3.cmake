tieline_fuzz(dnp3 LIBS tl_dnp3)
