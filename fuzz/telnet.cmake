tieline_fuzz(telnet LIBS tl_telnet)
