tieline_fuzz(ospf_lsa LIBS tl_ospf)
