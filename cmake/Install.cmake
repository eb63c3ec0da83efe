# What belongs to which package, and where. tools/packages installs one component after the other.
include(GNUInstallDirs)
set(data ${CMAKE_INSTALL_DATADIR}/tieline)
set(units lib/systemd/system)

# The target "programs": all that is packaged, and nothing else.
add_custom_target(programs)

# Programs of a component, in a directory of their own together with what signs them; on the path by a link.
function(tieline_install component directory)
    install(TARGETS ${ARGN} RUNTIME DESTINATION ${directory} COMPONENT ${component})
    add_dependencies(programs ${ARGN})
    if(directory STREQUAL CMAKE_INSTALL_BINDIR)
        return()
    endif()
    foreach(name ${ARGN})
        file(RELATIVE_PATH target /${CMAKE_INSTALL_BINDIR} /${directory}/${name})
        set(link ${CMAKE_BINARY_DIR}/links/${name})
        file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/links)
        execute_process(COMMAND ln -sfn ${target} ${link} COMMAND_ERROR_IS_FATAL ANY)
        install(FILES ${link} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
    endforeach()
endfunction()

if(NOT TIELINE_ONLY)
    tieline_install(tieline-edge lib/tieline/edge tieline-edge tieline-probe tieline-frr-agent)
    tieline_install(tielined lib/tieline/tielined tielined)
    tieline_install(tieline-sensor ${CMAKE_INSTALL_BINDIR} tieline-sensor)
    tieline_install(tieline-cli ${CMAKE_INSTALL_BINDIR} tieline)
    tieline_install(tieline-lab ${CMAKE_INSTALL_BINDIR}
        lab-wire lab-stream lab-goose lab-modbus lab-probe lab-stalls tieline-pccsim)

    install(FILES packaging/tieline-edge/tieline-edge@.service packaging/tieline-edge/tieline-probe@.service
        DESTINATION ${units} COMPONENT tieline-edge)
    install(PROGRAMS packaging/tieline-edge/successor DESTINATION lib/tieline COMPONENT tieline-edge)
    install(FILES packaging/tieline-edge/tmpfiles.conf RENAME tieline-edge.conf
        DESTINATION lib/tmpfiles.d COMPONENT tieline-edge)

    install(FILES packaging/tieline-sensor/tieline-sensor@.service DESTINATION ${units} COMPONENT tieline-sensor)
    install(FILES packaging/tieline-sensor/sysusers.conf RENAME tieline-sensor.conf
        DESTINATION lib/sysusers.d COMPONENT tieline-sensor)
    install(FILES packaging/tieline-sensor/xdp.conf DESTINATION ${data}/sensor COMPONENT tieline-sensor)
    install(DIRECTORY etc/detections/ DESTINATION ${data}/detections COMPONENT tieline-sensor
        FILES_MATCHING PATTERN *.yaml)

    install(DIRECTORY schema/ DESTINATION ${data}/schema COMPONENT tielined FILES_MATCHING PATTERN *.yang)
    install(DIRECTORY etc/vpn/ DESTINATION ${data}/vpn COMPONENT tielined)
    install(DIRECTORY etc/workflows/ DESTINATION ${data}/workflows COMPONENT tielined
        FILES_MATCHING PATTERN *.yaml)
    install(FILES packaging/tielined/tielined.service DESTINATION ${units} COMPONENT tielined)
    install(FILES packaging/tielined/sysusers.conf RENAME tielined.conf
        DESTINATION lib/sysusers.d COMPONENT tielined)
    install(FILES packaging/tielined/tmpfiles.conf RENAME tielined.conf
        DESTINATION lib/tmpfiles.d COMPONENT tielined)

    install(DIRECTORY lab/ DESTINATION ${data}/lab COMPONENT tieline-lab USE_SOURCE_PERMISSIONS
        PATTERN tools EXCLUDE PATTERN CMakeLists.txt EXCLUDE)
endif()
