tieline_fuzz(pcep LIBS tl_pcep)
