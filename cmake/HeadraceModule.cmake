# Declares a module: the library headrace::<name> of the folder that calls it.
#
#   headrace_add_module(name
#     HEADERS a.h ..            public headers: installed, and checked to compile alone
#     SOURCES a.cc ..
#     DEPENDS ..                modules (or libraries) whose types the headers show
#     PRIVATE_DEPENDS ..        libraries linked by the sources alone; find them by headrace_find_package
#     BUILD_DEPENDS ..)         header-only libraries of the sources; find them by find_package
#
# Headers are included as "headrace/<name>/a.h", from an include root that holds this module alone: so
# including a module that is not linked does not compile.
function(headrace_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;DEPENDS;PRIVATE_DEPENDS;BUILD_DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "headrace_add_module(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(root "${PROJECT_BINARY_DIR}/include/${name}")
  file(MAKE_DIRECTORY "${root}/headrace")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/headrace/${name}" SYMBOLIC)
  list(TRANSFORM arg_HEADERS PREPEND "${root}/headrace/${name}/")
  list(TRANSFORM arg_BUILD_DEPENDS REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")

  set(target headrace_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(headrace::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${root}" FILES ${arg_HEADERS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target}
    PUBLIC ${arg_DEPENDS}
    PRIVATE ${arg_PRIVATE_DEPENDS} ${arg_BUILD_DEPENDS} $<BUILD_INTERFACE:headrace_options>)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  install(TARGETS ${target} EXPORT headrace-targets FILE_SET HEADERS)
endfunction()

# A plugin: code that is opened on first use, so that what it links costs nothing before.
# Lies in <build>/lib/headrace and is installed to <libdir>/headrace as headrace_<name>.so.
#
#   headrace_add_plugin(name SOURCES a.cc .. LINKS ..)
function(headrace_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  set(target headrace_${name}_plugin)
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${arg_LINKS} headrace_options)
  set_target_properties(${target} PROPERTIES
    PREFIX ""
    OUTPUT_NAME headrace_${name}
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY "${HEADRACE_PLUGIN_OUTPUT_DIRECTORY}")
  install(TARGETS ${target} LIBRARY DESTINATION "${HEADRACE_PLUGIN_INSTALL_DIRECTORY}")
endfunction()

# find_package(package REQUIRED ..), for a library that the calling module links: whoever links the
# installed module statically must find it too, so it is written into headrace-config.cmake.
macro(headrace_find_package package)
  find_package(${package} REQUIRED ${ARGN})
  _headrace_record_dependency(${package} ${ARGN})
endmacro()

function(_headrace_record_dependency)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME module)
  list(JOIN ARGV " " arguments)
  set_property(GLOBAL APPEND PROPERTY HEADRACE_DEPENDENCIES_${module} "${arguments}")
endfunction()
