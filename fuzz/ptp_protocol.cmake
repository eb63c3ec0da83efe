tieline_fuzz(ptp_protocol LIBS tl_ptp)
