# cudnn-frontend: headers of C++ for cuDNN's graphs. script/setup puts them into the user's cache;
# HEADRACE_CUDNN_FRONTEND names another folder. Sets the target headrace_cudnn_frontend.

set(HEADRACE_CUDNN_FRONTEND_VERSION 1.23.0)
if(DEFINED ENV{XDG_CACHE_HOME})
  set(_cache "$ENV{XDG_CACHE_HOME}")
else()
  set(_cache "$ENV{HOME}/.cache")
endif()

find_path(HEADRACE_CUDNN_FRONTEND cudnn_frontend.h
  HINTS "${_cache}/headrace/cudnn-frontend-${HEADRACE_CUDNN_FRONTEND_VERSION}/include"
  DOC "Folder of cudnn_frontend.h")
mark_as_advanced(HEADRACE_CUDNN_FRONTEND)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cudnnFrontend REQUIRED_VARS HEADRACE_CUDNN_FRONTEND)

if(cudnnFrontend_FOUND AND NOT TARGET headrace_cudnn_frontend)
  add_library(headrace_cudnn_frontend INTERFACE IMPORTED)
  target_include_directories(headrace_cudnn_frontend SYSTEM INTERFACE "${HEADRACE_CUDNN_FRONTEND}")
endif()
unset(_cache)
