tieline_fuzz(ospf_lsdb LIBS tl_wan)
