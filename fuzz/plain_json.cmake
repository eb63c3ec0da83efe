tieline_fuzz(plain_json LIBS tl_journal)
