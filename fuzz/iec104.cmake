tieline_fuzz(iec104 LIBS tl_iec104)
