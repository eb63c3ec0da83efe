tieline_bench(pcep-codec LIBS tl_pcep ext_jansson)
