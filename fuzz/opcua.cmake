tieline_fuzz(opcua LIBS tl_opcua)
