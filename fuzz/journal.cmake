tieline_fuzz(journal LIBS tl_journal)
