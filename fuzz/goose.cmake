tieline_fuzz(goose LIBS tl_goose)
