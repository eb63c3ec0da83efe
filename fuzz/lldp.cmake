tieline_fuzz(lldp LIBS tl_lldp)
