tieline_fuzz(dns LIBS tl_dns)
