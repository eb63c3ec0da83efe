tieline_fuzz(suricata_rules LIBS tl_suricata)
