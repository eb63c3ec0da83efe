tieline_fuzz(goose_protocol LIBS tl_goose)
