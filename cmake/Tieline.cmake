# What every part of the tree is built with, and four words to declare a part:
#   tieline_module(NAME LIBS ...)      a directory of src/: x.c into a library, x_test.c into tests
#   tieline_program(NAME MAIN.c LIBS)  a thin main over the libraries
#   tieline_fuzz(NAME LIBS ...)        fuzz/NAME_fuzz.c: libFuzzer program, or corpus replay as a test
#   tieline_bench(NAME LIBS ...)       bench/NAME_bench.c: prints JSON lines

option(TIELINE_WERROR "Warnings are errors" OFF)
option(TIELINE_FUZZ "Build libFuzzer programs" OFF)
option(TIELINE_PACKAGE "As it is packaged: hardened, and the same bits wherever it is built" OFF)
set(TIELINE_VERSION "${PROJECT_VERSION}" CACHE STRING "What the programs call themselves")
set(TIELINE_SANITIZE "" CACHE STRING "Value for -fsanitize")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(TIELINE_DEBUG_FLAGS "-O1 -g" CACHE STRING "Of the build type Debug")
set(CMAKE_C_FLAGS_DEBUG "${TIELINE_DEBUG_FLAGS}")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair
        uv=libuv ssl=openssl pcre2=libpcre2-8 yang=libyang sqlite=sqlite3 pq=libpq jansson=jansson
        xdp=libxdp bpf=libbpf xml2=libxml-2.0 yaml=yaml-0.1 pcap=libpcap cmocka=cmocka
        curl=libcurl cjose=cjose modbus=libmodbus z=zlib maxminddb=libmaxminddb clp=clp)
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 name)
    list(GET pair 1 package)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
    add_library(ext_${name} ALIAS PkgConfig::${name})
endforeach()

# The bus's benchmark has it as a peer; nothing that is shipped needs it.
pkg_check_modules(nats IMPORTED_TARGET libnats)

add_library(tieline_options INTERFACE)
target_include_directories(tieline_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(tieline_options INTERFACE
    _GNU_SOURCE TIELINE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_compile_options(tieline_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -fno-common
    $<$<BOOL:${TIELINE_WERROR}>:-Werror>)
target_link_libraries(tieline_options INTERFACE Threads::Threads m)
if(TIELINE_SANITIZE)
    target_compile_options(tieline_options INTERFACE
        -fsanitize=${TIELINE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tieline_options INTERFACE -fsanitize=${TIELINE_SANITIZE})
endif()
# To trace every comparison, too, takes half of the time, and reached nothing more in as many executions.
if(TIELINE_FUZZ)
    target_compile_options(tieline_options INTERFACE
        -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp)
endif()
# Where the tree and the build directory are must not show, neither in debug information nor in the id that the linker makes of it.
set(TIELINE_PREFIX_MAP "")
if(TIELINE_PACKAGE)
    set(TIELINE_PREFIX_MAP -ffile-prefix-map=${PROJECT_BINARY_DIR}=/usr/src/tieline/build
        -ffile-prefix-map=${PROJECT_SOURCE_DIR}=/usr/src/tieline)
    target_compile_options(tieline_options INTERFACE ${TIELINE_PREFIX_MAP}
        -fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    target_link_options(tieline_options INTERFACE -pie -Wl,-z,relro -Wl,-z,now)
endif()

# Modules with threads of their own, or with those of a journal that they keep: their tests are
# labelled `threads` too, and are what ThreadSanitizer runs.
set(TIELINE_THREADED io journal bus edge lan wan orchestrate assure sensor sensors monitor gateway tielined)

# Builds the programs of the tests with that label; sanitizers need no others.
foreach(label unit fuzz threads)
    add_custom_target(tests-${label})
endforeach()

# A test with one or more labels. All are run in the source tree, where their data files are.
function(tieline_add_test name labels)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" SKIP_RETURN_CODE 77 TIMEOUT 300)
    list(GET ARGN 0 program)
    foreach(label ${labels})
        if(TARGET ${program} AND TARGET tests-${label})
            add_dependencies(tests-${label} ${program})
        endif()
    endforeach()
endfunction()

# The version is told to those sources alone that say it: another one compiles a handful of files, not all.
function(tieline_tell_version)
    foreach(source ${ARGN})
        file(STRINGS ${source} says REGEX "TIELINE_VERSION" LIMIT_COUNT 1)
        if(says)
            set_property(SOURCE ${source} APPEND PROPERTY
                COMPILE_DEFINITIONS TIELINE_VERSION="${TIELINE_VERSION}")
        endif()
    endforeach()
endfunction()

function(tieline_module name)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.c)
    file(GLOB mains CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_main.c)
    tieline_tell_version(${sources} ${tests})
    list(REMOVE_ITEM sources ${tests} ${mains})
    if(NOT sources) # A directory of headers still has a library to link.
        set(sources ${PROJECT_SOURCE_DIR}/cmake/empty.c)
    endif()
    add_library(tl_${name} STATIC ${sources})
    target_link_libraries(tl_${name} PUBLIC tieline_options ${arg_LIBS})
    set(labels unit)
    if(name IN_LIST TIELINE_THREADED)
        list(APPEND labels threads)
    endif()
    foreach(test ${tests})
        get_filename_component(stem ${test} NAME_WE)
        set(program ${name}_${stem})
        add_executable(${program} ${test})
        target_link_libraries(${program} tl_${name} ext_cmocka)
        tieline_add_test(${name}/${stem} "${labels}" ${program})
    endforeach()
endfunction()

function(tieline_program name main)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    tieline_tell_version(${CMAKE_CURRENT_SOURCE_DIR}/${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} tieline_options ${arg_LIBS})
endfunction()

function(tieline_fuzz name)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    add_executable(${name}_fuzz ${name}_fuzz.c)
    target_link_libraries(${name}_fuzz tieline_options ${arg_LIBS})
    if(TIELINE_FUZZ)
        target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name}_fuzz PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay.c)
        tieline_add_test(fuzz/${name} fuzz ${name}_fuzz
            ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    endif()
endfunction()

function(tieline_bench name)
    cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
    add_executable(${name}_bench ${name}_bench.c)
    target_include_directories(${name}_bench PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name}_bench tieline_options ${arg_LIBS})
endfunction()
