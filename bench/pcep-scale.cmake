tieline_bench(pcep-scale LIBS tl_wan tl_io tl_pcep)
add_dependencies(pcep-scale_bench tieline-pccsim)
