tieline_bench(edge-flowmod LIBS tl_openflow ext_jansson)
