tieline_fuzz(sse LIBS tl_cli)
