tieline_fuzz(arp LIBS tl_arp)
