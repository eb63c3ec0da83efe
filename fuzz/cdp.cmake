tieline_fuzz(cdp LIBS tl_cdp)
