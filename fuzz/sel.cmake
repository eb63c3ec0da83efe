tieline_fuzz(sel LIBS tl_sel)
