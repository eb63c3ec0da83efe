tieline_fuzz(ftp LIBS tl_ftp)
