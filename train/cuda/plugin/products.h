#pragma once

#include <cublasLt.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/gpu/engine.h"

namespace headrace::cuda {

// Matrix products by cuBLASLt. Used by one thread.
class Products {
 public:
  explicit Products(cudaStream_t stream);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // Chooses an algorithm, if that has not been done for such a product. False: bias and relu are
  // the caller's.
  bool prepare(const gpu::Product& product);
  void run(const gpu::Product& product);

  static std::string version();  // "cuBLASLt 13.0.2"

 private:
  struct Plan;
  std::unique_ptr<Plan> plan(const gpu::Product& product);

  cublasLtHandle_t handle_ = nullptr;
  cudaStream_t stream_;
  DeviceBuffer workspace_;
  std::unordered_map<std::string, std::unique_ptr<Plan>> plans_;
};

}  // namespace headrace::cuda
