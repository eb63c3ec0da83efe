# igraph (C) is a peer; nothing that is shipped needs it.
pkg_check_modules(igraph IMPORTED_TARGET igraph)
tieline_bench(cspf LIBS tl_te ext_jansson)
if(TARGET PkgConfig::igraph)
    target_link_libraries(cspf_bench PkgConfig::igraph)
    target_compile_definitions(cspf_bench PRIVATE HAVE_IGRAPH)
endif()
