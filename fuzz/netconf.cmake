tieline_fuzz(netconf LIBS tl_netconf)
