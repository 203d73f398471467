#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "headrace/train/cuda/interface.h"
#include "headrace/train/gpu/choice_cache.h"
#include "headrace/train/gpu/engine.h"

struct cudnnContext;

namespace headrace::cuda {

// Convolutions by cuDNN's graphs. Each shape is planned once: among the plans that cuDNN proposes
// for it the fastest is measured, and kept in the cache of choices. Used by one thread.
class Convolutions {
 public:
  // Memory that plans work in; it stays where it is once it was given out.
  using Workspace = std::function<void*(std::size_t bytes)>;

  // `questions` begins what is asked of the cache: it names the device.
  Convolutions(cudaStream_t stream, Workspace workspace, gpu::ChoiceCache& choices,
               std::string questions);
  ~Convolutions();
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;

  // What cuDNN does of a convolution; the rest is the caller's.
  struct Way {
    bool is_there = false;       // false: cuDNN has no engine for it
    bool with_epilogue = false;  // bias and relu are done too
    bool gradient_in_type =
        false;  // the kernel's gradient comes in the convolution's type, not f32
  };
  // Plans a shape; with `measures` it may compute on the convolution's memory, and overwrite what
  // it writes.
  Way prepare(const gpu::Convolution& convolution, bool measures);
  // Requires that prepare() has found a way. `kernel_gradient` is where the gradient goes.
  void run(const gpu::Convolution& convolution, void* kernel_gradient);

  static std::string version();  // "cuDNN 9.19.0"

 private:
  struct Plan;
  std::unique_ptr<Plan> plan(const gpu::Convolution& convolution, bool measures);
  bool choose(Plan& plan, const gpu::Convolution& convolution, const std::string& question,
              bool same_bits, bool measures);
  bool take(Plan& plan, std::int64_t candidate);
  float time(Plan& plan, const gpu::Convolution& convolution, std::int64_t candidate);
  void execute(Plan& plan, const gpu::Convolution& convolution, void* kernel_gradient);

  struct Destroy {
    void operator()(cudnnContext* handle) const;
  };
  std::unique_ptr<cudnnContext, Destroy> handle_;
  cudaStream_t stream_;
  Workspace workspace_;
  gpu::ChoiceCache& choices_;
  std::string questions_;
  int most_candidates_ = 4;  // that are measured
  std::unordered_map<std::string, std::unique_ptr<Plan>> plans_;
};

// What can be told of a convolution without a GPU: whether cuDNN's frontend takes the graphs that
// it may be computed by for sound; and, for a device of which cuDNN's description is given (JSON;
// empty: none), what there are engines for.
Support support_of(const gpu::Convolution& convolution, const std::string& device);

// The shape and types of a convolution, in words that tell it from all others.
std::string describe(const gpu::Convolution& convolution);

}  // namespace headrace::cuda
