tieline_fuzz(syslog LIBS tl_syslog)
