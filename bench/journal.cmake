tieline_bench(journal LIBS tl_journal ext_pq)
