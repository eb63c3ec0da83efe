tieline_fuzz(dhcp LIBS tl_dhcp)
