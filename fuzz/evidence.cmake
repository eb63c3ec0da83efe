tieline_fuzz(evidence LIBS tl_journal)
