tieline_bench(openflow LIBS tl_openflow ext_jansson)
