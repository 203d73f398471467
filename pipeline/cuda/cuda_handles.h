#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"

// The CUDA runtime's handles, each owned once. For sources of cuda/ folders and their plugins
// alone; not installed. All of them belong to the device that was current when they were made, and
// calls are made by threads for which it is current (UseDevice).
namespace headrace::cuda {

// Throws Error{backend} "GPU: <what>: out of memory (cudaErrorMemoryAllocation)". Takes the error
// from the runtime, so that the next call does not report it again, where the runtime lets go of
// it.
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw Error(ErrorCode::backend, std::string("GPU: ") + what + ": " + cudaGetErrorString(status) +
                                      " (" + cudaGetErrorName(status) + ")");
}

// While it lives its thread speaks to this device; then to the one before.
class UseDevice {
 public:
  explicit UseDevice(int device) {
    check_cuda(cudaGetDevice(&before_), "asking for the current device");
    if (device != before_) check_cuda(cudaSetDevice(device), "choosing a device");
  }
  ~UseDevice() { cudaSetDevice(before_); }
  UseDevice(const UseDevice&) = delete;
  UseDevice& operator=(const UseDevice&) = delete;

 private:
  int before_ = 0;
};

// A handle that `destroy` ends; empty after a move.
template <class Handle, cudaError_t (*destroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) destroy(handle_);
  }

  Handle get() const { return handle_; }
  Handle release() { return std::exchange(handle_, nullptr); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using CudaStream = Owned<cudaStream_t, cudaStreamDestroy>;
using CudaEvent = Owned<cudaEvent_t, cudaEventDestroy>;
using CudaGraph = Owned<cudaGraph_t, cudaGraphDestroy>;
using CudaGraphExec = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;

// One that does not wait for the default stream, nor that for it.
inline CudaStream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return CudaStream(stream);
}

// Without times, which are dear; those who measure ask for them.
inline CudaEvent make_event(bool with_time = false) {
  cudaEvent_t event = nullptr;
  check_cuda(
      cudaEventCreateWithFlags(&event, with_time ? cudaEventDefault : cudaEventDisableTiming),
      "making an event");
  return CudaEvent(event);
}

// Memory and its size; empty after a move.
template <cudaError_t (*destroy)(void*)>
class OwnedBytes {
 public:
  OwnedBytes() = default;
  OwnedBytes(void* data, std::size_t bytes) : memory_(data), bytes_(bytes) {}
  std::byte* data() const { return static_cast<std::byte*>(memory_.get()); }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }
  std::size_t bytes() const { return memory_ ? bytes_ : 0; }
  explicit operator bool() const { return static_cast<bool>(memory_); }
  std::byte* release() {
    bytes_ = 0;
    return static_cast<std::byte*>(memory_.release());
  }

 private:
  Owned<void*, destroy> memory_;
  std::size_t bytes_ = 0;
};

using DeviceBuffer = OwnedBytes<cudaFree>;
using PinnedBuffer = OwnedBytes<cudaFreeHost>;

// Both throw Error{exhausted} that says how much was asked for, and of the GPU how much is free.
// `what` is for people: "activations". No memory is cleared.
inline DeviceBuffer allocate_device(std::size_t bytes, const char* what) {
  if (bytes == 0) return {};
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0;
    std::size_t total = 0;
    cudaMemGetInfo(&free, &total);
    throw Error(ErrorCode::exhausted,
                std::string("GPU: ") + what + " need " + std::to_string(bytes >> 20) +
                    " MiB, but " + std::to_string(free >> 20) + " of " +
                    std::to_string(total >> 20) + " MiB are free: take a smaller batch");
  }
  check_cuda(status, what);
  return {data, bytes};
}

inline PinnedBuffer allocate_pinned(std::size_t bytes, const char* what) {
  if (bytes == 0) return {};
  void* data = nullptr;
  const cudaError_t status = cudaMallocHost(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw Error(ErrorCode::exhausted, std::string("GPU: ") + what + " need " +
                                          std::to_string(bytes >> 20) +
                                          " MiB of memory that cannot be swapped out, which the "
                                          "system does not give");
  }
  check_cuda(status, what);
  return {data, bytes};
}

}  // namespace headrace::cuda
