# HEADRACE_MPI=AUTO|ON|OFF. Sets HEADRACE_HAS_MPI: whether the plugin headrace_mpi is built.

set(HEADRACE_MPI AUTO CACHE STRING "Training by several processes over MPI: AUTO (if it is found), ON, OFF")
set_property(CACHE HEADRACE_MPI PROPERTY STRINGS AUTO ON OFF)

set(HEADRACE_HAS_MPI FALSE)
if(HEADRACE_MPI)
  include(CheckLanguage)
  # FindMPI wants the language whose interface is asked for.
  check_language(C)
  if(CMAKE_C_COMPILER)
    enable_language(C)
    find_package(MPI QUIET COMPONENTS C)
  endif()
  if(MPI_C_FOUND)
    set(HEADRACE_HAS_MPI TRUE)
  elseif(NOT HEADRACE_MPI STREQUAL "AUTO")
    message(FATAL_ERROR "HEADRACE_MPI=${HEADRACE_MPI}, but MPI was not found. "
      "Install libopenmpi-dev, or use HEADRACE_MPI=AUTO or OFF.")
  endif()
endif()

if(HEADRACE_HAS_MPI)
  message(STATUS "Headrace: MPI ${MPI_C_VERSION}")
else()
  message(STATUS "Headrace: without MPI (HEADRACE_MPI=${HEADRACE_MPI})")
endif()

# HEADRACE_GLOO=AUTO|ON|OFF. Sets HEADRACE_HAS_GLOO: whether the plugin headrace_gloo is built.

set(HEADRACE_GLOO AUTO CACHE STRING "Training by several processes over gloo: AUTO (if it is found), ON, OFF")
set_property(CACHE HEADRACE_GLOO PROPERTY STRINGS AUTO ON OFF)

set(HEADRACE_HAS_GLOO FALSE)
if(HEADRACE_GLOO)
  find_package(Gloo QUIET CONFIG)
  if(TARGET gloo)
    set(HEADRACE_HAS_GLOO TRUE)
  elseif(NOT HEADRACE_GLOO STREQUAL "AUTO")
    message(FATAL_ERROR "HEADRACE_GLOO=${HEADRACE_GLOO}, but gloo was not found. "
      "Install libgloo-dev, or use HEADRACE_GLOO=AUTO or OFF.")
  endif()
endif()

if(HEADRACE_HAS_GLOO)
  message(STATUS "Headrace: with gloo")
else()
  message(STATUS "Headrace: without gloo (HEADRACE_GLOO=${HEADRACE_GLOO})")
endif()
