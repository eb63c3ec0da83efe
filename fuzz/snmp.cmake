tieline_fuzz(snmp LIBS tl_snmp)
