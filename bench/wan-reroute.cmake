tieline_bench(wan-reroute LIBS tl_wan ext_jansson ext_uv)
