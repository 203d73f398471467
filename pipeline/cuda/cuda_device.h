#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "headrace/pipeline/device.h"

namespace headrace::cuda {

// A GPU by the CUDA runtime. Not installed.
class CudaDevice final : public Device {
 public:
  using Render = void (*)(const DeviceRender& render, cudaStream_t stream);

  // Throws Error as require_gpu() does.
  CudaDevice(int index, Render make_rows);

  std::string name() const override { return name_; }
  int index() const override { return index_; }

  std::byte* allocate(std::size_t bytes) override;
  void deallocate(std::byte* memory) noexcept override;
  std::byte* allocate_pinned(std::size_t bytes) override;
  void deallocate_pinned(std::byte* memory) noexcept override;
  Stream make_stream() override;
  void destroy_stream(Stream stream) noexcept override;
  Event make_event() override;
  void destroy_event(Event event) noexcept override;
  void copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override;
  void copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                    Stream stream) override;
  void copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override;
  void render(const DeviceRender& wanted, Stream stream) override;
  void record(Event event, Stream stream) override;
  void wait(Stream stream, Event event) override;
  bool is_done(Event event) override;

 private:
  int index_;
  Render render_;
  std::string name_;
};

}  // namespace headrace::cuda
