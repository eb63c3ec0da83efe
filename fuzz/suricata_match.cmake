tieline_fuzz(suricata_match LIBS tl_suricata)
