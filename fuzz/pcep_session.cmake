tieline_fuzz(pcep_session LIBS tl_pcep)
