#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/gpu/engine.h"

namespace headrace::gpu {

using cpu::Lifetime;
using cpu::no_tensor;
using cpu::TensorId;
using cpu::View;

// A place in the memory that operations keep from step to step, in floats.
using StatePlace = std::size_t;

// One way of a batch through a plan's operations. Addresses are the device's.
struct Pass {
  Engine& engine;
  std::int64_t rows = 0;
  bool training = false;  // dropout drops, statistics are those of the batch
  Math math = Math::f32;
  const float* parameters = nullptr;
  const std::uint16_t* halves = nullptr;  // the parameters in bf16
  float* gradients = nullptr;             // of the parameters; operations add to them
  float* state = nullptr;
  const StepScalars* step = nullptr;
  std::uint32_t* halt = nullptr;  // of a whole step: StepResult::halt
  const std::vector<std::byte*>* tensors = nullptr;
  // Of a rehearsal, which says when tensors are used; then there is no memory yet.
  std::vector<Lifetime>* lifetimes = nullptr;
  int time = 0;

  template <class T = float>
  T* data(const View& view) const {
    return static_cast<T*>(array(view).data);
  }
  // Null for no view.
  Array array(const View& view) const;
  // A layer's kernel, in that type.
  const void* kernel(std::size_t place, Type type) const {
    if (type == Type::bf16) return halves + place;
    return parameters + place;
  }
};

// What a plan does: a node of the graph, or several fused into one.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void forward(const Pass& pass) const = 0;
  // Makes the input's gradient (where one is asked for) from the output's, which it may overwrite,
  // and adds to the parameters'.
  virtual void backward(const Pass& pass) const = 0;
  // When a step of training is taken: parameters that change without a gradient.
  virtual void update(const Pass& /*pass*/, float* /*parameters*/) const {}
  // What update() reads of the state, if it is the mean over a batch: replicas take that of theirs.
  struct Means {
    StatePlace place = 0;
    std::size_t size = 0;
  };
  virtual Means means() const { return {}; }
};

// Whether values can be moved eight at a time.
bool fits_eight(std::int64_t width, std::initializer_list<Array> arrays);

// Runs a kernel over groups of values, with as many lanes as fit; `set` gives it its arrays.
template <template <int> class Kernel, class Set>
void run_lanes(const Pass& pass, std::int64_t groups, std::int64_t width,
               std::initializer_list<Array> arrays, Set set) {
  const auto run = [&]<int lanes>() {
    Kernel<lanes> kernel;
    kernel.pieces = {groups, static_cast<std::uint32_t>(width)};
    set(kernel);
    pass.engine.run(kernel);
  };
  if (fits_eight(width, arrays)) {
    run.template operator()<8>();
  } else {
    run.template operator()<1>();
  }
}

}  // namespace headrace::gpu
