tieline_fuzz(vpn_services LIBS tl_wan)
