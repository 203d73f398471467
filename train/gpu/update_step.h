#pragma once

#include <memory>
#include <vector>

#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/gpu/engine.h"
#include "headrace/train/graph.h"
#include "headrace/train/optimizer.h"

namespace headrace::gpu {

// A plan's optimizer over its flat arenas on a device: a kernel that does it all, and before it,
// where norms are clipped or gradients are looked at, those that measure them.
class UpdateStep {
 public:
  UpdateStep(const Optimizer& optimizer, const Graph& graph, const cpu::ParameterArena& arena,
             Engine& engine);

  // What the step's kernels read: the learning rate and what comes of it. `step` counts from 1.
  void set(double learning_rate, std::uint64_t step);

  // Whether run() needs measure() before.
  bool clips() const;
  // Makes `halt`, which may be null, 1 if some gradients are not finite.
  void measure(const float* gradients, std::uint32_t* halt) const;

  struct Arenas {
    const std::uint32_t* halt = nullptr;  // as Update's
    const float* gradients = nullptr;
    float* parameters = nullptr;
    std::uint16_t* halves = nullptr;  // null: not wanted
    std::vector<float*> slots;
  };
  // The kernels, for a recording.
  void run(const Arenas& arenas) const;
  std::size_t memory_bytes() const { return bytes_; }

 private:
  Update kernel() const;

  Optimizer optimizer_;
  Engine& engine_;
  std::int64_t size_ = 0;  // of an arena
  std::uint32_t parameters_ = 0;
  std::int64_t pieces_ = 0;
  std::size_t bytes_ = 0;
  std::shared_ptr<std::byte> scalars_, owners_, rules_, piece_table_, squares_;
};

}  // namespace headrace::gpu
