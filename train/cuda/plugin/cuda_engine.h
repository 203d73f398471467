#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/cuda/plugin/convolutions.h"
#include "headrace/train/cuda/plugin/products.h"
#include "headrace/train/gpu/choice_cache.h"
#include "headrace/train/gpu/engine.h"

namespace headrace::cuda {

// A GPU: one stream, on which everything is queued. What is copied in goes through a ring of pinned
// pieces, so that nobody waits for the bus.
class CudaEngine : public gpu::Engine {
 public:
  CudaEngine(int device, const std::string& choices);
  ~CudaEngine() override;

  std::string name() const override { return name_; }
  std::shared_ptr<std::byte> allocate(std::size_t bytes, const char* what) override;
  std::size_t free_bytes() const override;
  void copy_in(void* to, const void* from, std::size_t bytes) override;
  void copy_out(void* to, const void* from, std::size_t bytes) override;
  std::unique_ptr<gpu::Reading> make_reading(std::size_t bytes) override;
  void clear(void* memory, std::size_t bytes) override;
  void wait() override;
  void run(const gpu::EachKernel& kernel) override;
  void run(const gpu::ColumnKernel& kernel) override;
  void run(const gpu::SegmentKernel& kernel) override;
  void run(const gpu::Product& product) override;
  void run(const gpu::Convolution& convolution) override;
  std::unique_ptr<gpu::Recording> record(const std::function<void()>& work) override;
  void* stream() override { return stream_.get(); }

 private:
  struct Piece {
    PinnedBuffer memory;
    CudaEvent free;  // when it was copied
  };
  void rehearse(const std::function<void()>& work);
  CudaGraphExec capture(const std::function<void()>& work);
  void run_kernel_gradient(const gpu::Convolution& convolution, bool in_type);
  void finish(std::int64_t groups, std::int64_t width, const gpu::Array& values, const float* bias,
              bool relu);
  void run_directly(const gpu::Convolution& convolution);

  int device_;
  std::string name_;
  CudaStream stream_;
  std::array<Piece, 8> ring_;
  std::size_t next_piece_ = 0;
  // The last is the largest; others are kept for what was recorded with them.
  std::vector<DeviceBuffer> scratches_, workspaces_, rounded_;
  gpu::ChoiceCache choices_;
  std::unique_ptr<Convolutions> convolutions_;
  std::unique_ptr<Products> products_;
  bool rehearses_ = false;  // nothing is done but what must be done before a recording
};

}  // namespace headrace::cuda
