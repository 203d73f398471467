#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "headrace/train/gpu/kernel.h"

// What a plan needs of a GPU. A plan is host code; who stands behind this interface computes:
// CUDA's libraries, or the host itself in tests.
namespace headrace::gpu {

// How products are computed.
enum class Math : std::uint8_t {
  f32,   // in f32
  tf32,  // f32 with 10 bits of mantissa in what is multiplied
};

// c = a b + beta c (+ bias) (relu), of row-major f32 matrices: `rows` x `columns`, over `inner`.
struct Product {
  struct Matrix {
    const float* data = nullptr;
    std::int64_t stride = 0;     // from one row to the next, as it lies
    bool is_transposed = false;  // it lies as the transpose of what is meant
  };
  std::int64_t rows = 0, columns = 0, inner = 0;
  Matrix a, b;
  float* c = nullptr;
  std::int64_t c_stride = 0;
  float beta = 0;
  const float* bias = nullptr;  // of each column; null: none
  bool relu = false;
  Math math = Math::f32;
};

enum class ConvolutionKind : std::uint8_t {
  forward,          // y of x and kernel, with bias and relu if asked for
  input_gradient,   // dx of dy and kernel
  kernel_gradient,  // dkernel, f32, of x and dy; written
};

// Channels last, kernels {filters, height, width, channels / groups}. All of `type` but for bias
// and dkernel. Pixels may lie further apart than their channels are many.
struct Convolution {
  ConvolutionKind kind = ConvolutionKind::forward;
  DirectShape shape;
  std::int32_t after_y = 0, after_x = 0;  // padding at the far ends
  Type type = Type::f32;
  Math math = Math::f32;
  bool relu = false;
  Array x, y;  // or their gradients
  const void* kernel = nullptr;
  const float* bias = nullptr;
  float* kernel_gradient = nullptr;
};

// The gradient of a convolution's kernel by the plain kernels, one tap and channel after the other.
template <class Run>
void run_taps(const Convolution& convolution, Run run) {
  const DirectShape& shape = convolution.shape;
  TapGradient tap;
  tap.pieces = {shape.window.rows * shape.window.windows(), shape.filters};
  tap.shape = shape;
  tap.x = convolution.x;
  tap.dy = convolution.y;
  tap.gradient = convolution.kernel_gradient;
  for (tap.tap_y = 0; tap.tap_y < shape.window.size_y; ++tap.tap_y) {
    for (tap.tap_x = 0; tap.tap_x < shape.window.size_x; ++tap.tap_x) {
      for (tap.channel = 0; tap.channel < shape.group_channels(); ++tap.channel) run(tap);
    }
  }
}

// Work that was recorded: it can be done again and again, with the same addresses.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void play() = 0;
};

// A copy to the host that is taken while work goes on.
class Reading {
 public:
  virtual ~Reading() = default;
  // Queues it, after the work before.
  virtual void begin(const void* from) = 0;
  // Waits until the one that was begun last is done; its bytes, until another is begun.
  virtual const std::byte* wait() = 0;
};

// Work is queued and done in its order; who wants to see what it made waits. Used by one thread at
// a time. All throw Error{backend}, or Error{exhausted} for want of memory.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;  // "NVIDIA H200, cuDNN 9.19.0"

  // Aligned to 256 bytes; `what` is for people.
  virtual std::shared_ptr<std::byte> allocate(std::size_t bytes, const char* what) = 0;
  virtual std::size_t free_bytes() const = 0;

  // `from` may be used again when it returns.
  virtual void copy_in(void* to, const void* from, std::size_t bytes) = 0;
  // Returns when it is done, and with it all work before.
  virtual void copy_out(void* to, const void* from, std::size_t bytes) = 0;
  // Of so many bytes.
  virtual std::unique_ptr<Reading> make_reading(std::size_t bytes) = 0;
  virtual void clear(void* memory, std::size_t bytes) = 0;
  virtual void wait() = 0;

  virtual void run(const EachKernel& kernel) = 0;
  virtual void run(const ColumnKernel& kernel) = 0;
  virtual void run(const SegmentKernel& kernel) = 0;
  virtual void run(const Product& product) = 0;
  virtual void run(const Convolution& convolution) = 0;

  // Makes ready what the work needs (choosing how to compute convolutions may overwrite what they
  // write), and records it. The work calls run() and clear() alone, the same whenever it is called.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;

  // The queue, as pipeline/device.h has them: for batches that lie on the device.
  virtual void* stream() = 0;
};

}  // namespace headrace::gpu
