tieline_fuzz(vpn_drift LIBS tl_wan)
