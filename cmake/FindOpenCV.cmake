# OpenCV's own package if it is there. Debian puts that into libopencv-dev, which brings every module
# of OpenCV; without it, the modules asked for are looked up one by one.
# Either way a module is linked as opencv_<module>.

find_package(OpenCV QUIET CONFIG COMPONENTS ${OpenCV_FIND_COMPONENTS})

if(NOT OpenCV_FOUND)
  find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  mark_as_advanced(OpenCV_INCLUDE_DIR)
  set(_OpenCV_required OpenCV_INCLUDE_DIR)
  foreach(_module IN LISTS OpenCV_FIND_COMPONENTS)
    find_library(OpenCV_${_module}_LIBRARY opencv_${_module})
    mark_as_advanced(OpenCV_${_module}_LIBRARY)
    list(APPEND _OpenCV_required OpenCV_${_module}_LIBRARY)
    if(OpenCV_INCLUDE_DIR AND OpenCV_${_module}_LIBRARY AND NOT TARGET opencv_${_module})
      add_library(opencv_${_module} UNKNOWN IMPORTED)
      set_target_properties(opencv_${_module} PROPERTIES
        IMPORTED_LOCATION "${OpenCV_${_module}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${OpenCV_INCLUDE_DIR}")
    endif()
  endforeach()
  # Every other module uses core.
  foreach(_module IN LISTS OpenCV_FIND_COMPONENTS)
    if(TARGET opencv_core AND TARGET opencv_${_module} AND NOT _module STREQUAL "core")
      set_target_properties(opencv_${_module} PROPERTIES INTERFACE_LINK_LIBRARIES opencv_core)
    endif()
  endforeach()
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(OpenCV REQUIRED_VARS ${_OpenCV_required})
  unset(_OpenCV_required)
  unset(_module)
endif()
