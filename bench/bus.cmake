if(TARGET PkgConfig::nats)
    tieline_bench(bus LIBS tl_bus PkgConfig::nats ext_cmocka)
endif()
