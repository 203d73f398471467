# HEADRACE_HDF5=AUTO|ON|OFF. Sets HEADRACE_HAS_HDF5: whether the plugin headrace_hdf5 is built.

set(HEADRACE_HDF5 AUTO CACHE STRING "Data sets and weights in HDF5 files: AUTO (if it is found), ON, OFF")
set_property(CACHE HEADRACE_HDF5 PROPERTY STRINGS AUTO ON OFF)

set(HEADRACE_HAS_HDF5 FALSE)
if(HEADRACE_HDF5)
  include(CheckLanguage)
  # FindHDF5 wants the language whose interface is asked for.
  check_language(C)
  if(CMAKE_C_COMPILER)
    enable_language(C)
    find_package(HDF5 1.10.5 QUIET COMPONENTS C)
  endif()
  if(HDF5_FOUND)
    set(HEADRACE_HAS_HDF5 TRUE)
  elseif(NOT HEADRACE_HDF5 STREQUAL "AUTO")
    message(FATAL_ERROR "HEADRACE_HDF5=${HEADRACE_HDF5}, but HDF5 1.10.5 or later was not found. "
      "Install libhdf5-dev, or use HEADRACE_HDF5=AUTO or OFF.")
  endif()
endif()

if(HEADRACE_HAS_HDF5)
  message(STATUS "Headrace: HDF5 ${HDF5_VERSION}")
else()
  message(STATUS "Headrace: without HDF5 (HEADRACE_HDF5=${HEADRACE_HDF5})")
endif()
