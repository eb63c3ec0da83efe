tieline_fuzz(rdp LIBS tl_rdp)
