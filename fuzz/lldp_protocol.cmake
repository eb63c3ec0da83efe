tieline_fuzz(lldp_protocol LIBS tl_lldp)
