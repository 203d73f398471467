# headrace::headrace (all modules) and what find_package(headrace) needs.

include(CMakePackageConfigHelpers)

function(headrace_install_package)
  add_library(headrace_all INTERFACE)
  add_library(headrace::headrace ALIAS headrace_all)
  set_target_properties(headrace_all PROPERTIES EXPORT_NAME headrace)
  list(TRANSFORM HEADRACE_MODULES PREPEND "headrace_" OUTPUT_VARIABLE targets)
  target_link_libraries(headrace_all INTERFACE ${targets})
  install(TARGETS headrace_all EXPORT headrace-targets)

  set(HEADRACE_DEPENDENCIES "")
  foreach(module IN LISTS HEADRACE_MODULES)
    get_property(packages GLOBAL PROPERTY HEADRACE_DEPENDENCIES_${module})
    list(REMOVE_DUPLICATES packages)
    string(APPEND HEADRACE_DEPENDENCIES "if(\"${module}\" IN_LIST _headrace_modules)\n")
    foreach(package IN LISTS packages)
      string(APPEND HEADRACE_DEPENDENCIES "  find_dependency(${package})\n")
    endforeach()
    string(APPEND HEADRACE_DEPENDENCIES "endif()\n")
  endforeach()

  set(destination "${CMAKE_INSTALL_LIBDIR}/cmake/headrace")
  configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/headrace-config.cmake.in"
    "${PROJECT_BINARY_DIR}/headrace-config.cmake"
    INSTALL_DESTINATION "${destination}"
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/headrace-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
  install(EXPORT headrace-targets NAMESPACE headrace:: DESTINATION "${destination}")
  install(FILES
    "${PROJECT_BINARY_DIR}/headrace-config.cmake"
    "${PROJECT_BINARY_DIR}/headrace-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Finddnnl.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindOpenCV.cmake"
    DESTINATION "${destination}")
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
endfunction()
