tieline_bench(assure LIBS tl_assure ext_cmocka m)
