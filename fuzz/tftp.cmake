tieline_fuzz(tftp LIBS tl_tftp)
