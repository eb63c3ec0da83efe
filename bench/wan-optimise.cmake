tieline_bench(wan-optimise LIBS tl_wan ext_jansson ext_uv)
