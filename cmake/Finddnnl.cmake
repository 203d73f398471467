# oneDNN as DNNL::dnnl. Its own package also demands OpenCL's headers where it was built with OpenCL,
# which nothing here uses.

find_path(dnnl_INCLUDE_DIR dnnl.hpp)
find_library(dnnl_LIBRARY dnnl)
# The OpenMP runtime that it was built with, whichever the compiler in use would take.
find_library(dnnl_OPENMP_LIBRARY NAMES libgomp.so.1)
mark_as_advanced(dnnl_INCLUDE_DIR dnnl_LIBRARY dnnl_OPENMP_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(dnnl REQUIRED_VARS
  dnnl_LIBRARY dnnl_INCLUDE_DIR dnnl_OPENMP_LIBRARY)

if(dnnl_FOUND AND NOT TARGET DNNL::dnnl)
  add_library(DNNL::dnnl UNKNOWN IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES
    IMPORTED_LOCATION "${dnnl_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${dnnl_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${dnnl_OPENMP_LIBRARY}")
endif()
