tieline_fuzz(rpc LIBS tl_io)
