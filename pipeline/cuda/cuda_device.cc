#include "headrace/pipeline/cuda/cuda_device.h"

#include "headrace/pipeline/cuda/choose_gpu.h"
#include "headrace/pipeline/cuda/cuda_handles.h"

namespace headrace::cuda {
namespace {

cudaStream_t stream_of(Device::Stream stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(Device::Event event) { return static_cast<cudaEvent_t>(event); }

void copy(int device, std::byte* to, const std::byte* from, std::size_t bytes, cudaMemcpyKind kind,
          Device::Stream stream) {
  const UseDevice use(device);
  check_cuda(cudaMemcpyAsync(to, from, bytes, kind, stream_of(stream)), "copying a batch");
}

}  // namespace

CudaDevice::CudaDevice(int index, Render make_rows) : index_(index), render_(make_rows) {
  require_gpu(index);
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, index), "asking for a GPU's properties");
  name_ = properties.name;
}

std::byte* CudaDevice::allocate(std::size_t bytes) {
  const UseDevice use(index_);
  return allocate_device(bytes, "batches on their way").release();
}

void CudaDevice::deallocate(std::byte* memory) noexcept { cudaFree(memory); }

std::byte* CudaDevice::allocate_pinned(std::size_t bytes) {
  const UseDevice use(index_);
  void* memory = nullptr;
  if (cudaMallocHost(&memory, bytes) == cudaSuccess) return static_cast<std::byte*>(memory);
  cudaGetLastError();
  return nullptr;
}

void CudaDevice::deallocate_pinned(std::byte* memory) noexcept { cudaFreeHost(memory); }

Device::Stream CudaDevice::make_stream() {
  const UseDevice use(index_);
  return cuda::make_stream().release();
}

void CudaDevice::destroy_stream(Stream stream) noexcept { cudaStreamDestroy(stream_of(stream)); }

Device::Event CudaDevice::make_event() {
  const UseDevice use(index_);
  return cuda::make_event().release();
}

void CudaDevice::destroy_event(Event event) noexcept { cudaEventDestroy(event_of(event)); }

void CudaDevice::copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                                Stream stream) {
  copy(index_, to, from, bytes, cudaMemcpyHostToDevice, stream);
}

void CudaDevice::copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                              Stream stream) {
  copy(index_, to, from, bytes, cudaMemcpyDeviceToHost, stream);
}

void CudaDevice::copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                                Stream stream) {
  copy(index_, to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

void CudaDevice::render(const DeviceRender& wanted, Stream stream) {
  const UseDevice use(index_);
  render_(wanted, stream_of(stream));
}

void CudaDevice::record(Event event, Stream stream) {
  const UseDevice use(index_);
  check_cuda(cudaEventRecord(event_of(event), stream_of(stream)), "recording an event");
}

void CudaDevice::wait(Stream stream, Event event) {
  const UseDevice use(index_);
  check_cuda(cudaStreamWaitEvent(stream_of(stream), event_of(event)), "waiting for an event");
}

bool CudaDevice::is_done(Event event) {
  const UseDevice use(index_);
  const cudaError_t status = cudaEventQuery(event_of(event));
  if (status == cudaErrorNotReady) return false;
  check_cuda(status, "work given to it before");
  return true;
}

}  // namespace headrace::cuda
