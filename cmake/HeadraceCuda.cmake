# HEADRACE_CUDA=AUTO|ON|OFF. Sets HEADRACE_HAS_CUDA, by which a module chooses between its folders
# cuda/ and no_cuda/; HEADRACE_HAS_CUDNN: whether models can be trained on GPUs too; and
# HEADRACE_HAS_NCCL: whether several GPUs then exchange gradients by themselves.

set(HEADRACE_CUDA AUTO CACHE STRING "Build for NVIDIA GPUs: AUTO (if a CUDA compiler is found), ON, OFF")
set_property(CACHE HEADRACE_CUDA PROPERTY STRINGS AUTO ON OFF)

set(HEADRACE_HAS_CUDA FALSE)
if(HEADRACE_CUDA)
  if("${CMAKE_CUDA_COMPILER}" MATCHES "NOTFOUND$")
    unset(CMAKE_CUDA_COMPILER CACHE)  # look again: it may have been installed since
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
    enable_language(CUDA)
    # CMake 3.25 does not know nvcc's flag for C++20.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(HEADRACE_HAS_CUDA TRUE)
  elseif(NOT HEADRACE_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "HEADRACE_CUDA=${HEADRACE_CUDA}, but no working CUDA compiler was found. "
      "Put nvcc on the PATH, set CMAKE_CUDA_COMPILER, or use HEADRACE_CUDA=AUTO or OFF.")
  endif()
endif()

if(HEADRACE_HAS_CUDA)
  message(STATUS "Headrace: CUDA ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "Headrace: without CUDA (HEADRACE_CUDA=${HEADRACE_CUDA})")
endif()

set(HEADRACE_HAS_CUDNN FALSE)
if(HEADRACE_HAS_CUDA)
  find_package(CUDAToolkit QUIET)
  find_path(HEADRACE_CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(HEADRACE_CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
  mark_as_advanced(HEADRACE_CUDNN_INCLUDE_DIR HEADRACE_CUDNN_LIBRARY)
  find_package(cudnnFrontend QUIET)
  if(HEADRACE_CUDNN_INCLUDE_DIR AND HEADRACE_CUDNN_LIBRARY AND TARGET CUDA::cublasLt AND TARGET CUDA::nvrtc
     AND TARGET headrace_cudnn_frontend)
    set(HEADRACE_HAS_CUDNN TRUE)
    message(STATUS "Headrace: cuDNN ${HEADRACE_CUDNN_LIBRARY}, frontend ${HEADRACE_CUDNN_FRONTEND}")
  else()
    message(STATUS "Headrace: no training on GPUs, which needs cuDNN 9, cuBLASLt and cudnn-frontend "
      "(script/setup fetches the last)")
  endif()
endif()

set(HEADRACE_HAS_NCCL FALSE)
if(HEADRACE_HAS_CUDNN)
  find_path(HEADRACE_NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(HEADRACE_NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
  mark_as_advanced(HEADRACE_NCCL_INCLUDE_DIR HEADRACE_NCCL_LIBRARY)
  if(HEADRACE_NCCL_INCLUDE_DIR AND HEADRACE_NCCL_LIBRARY)
    set(HEADRACE_HAS_NCCL TRUE)
    message(STATUS "Headrace: NCCL ${HEADRACE_NCCL_LIBRARY}")
  else()
    message(STATUS "Headrace: without NCCL, gradients of several GPUs go through the host")
  endif()
endif()
