tieline_fuzz(ssh LIBS tl_ssh)
