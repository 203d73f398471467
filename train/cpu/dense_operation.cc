#include "headrace/train/cpu/dense_operation.h"

#include <algorithm>

#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/long_rows.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {
namespace {

constexpr std::int64_t value_bytes = sizeof(float);
constexpr std::int64_t piece_bytes = 256 << 10;  // of x and dx, in a core's own cache
constexpr std::int64_t least_piece = 1024;       // inputs worth a product of their own

void relu_backward_rows(const float* y, std::int64_t rows, std::int64_t size, std::int64_t width,
                        float* dy) {
  for (std::int64_t row = 0; row < rows; ++row) {
    relu_backward({const_cast<float*>(y) + row * width, Type::f32}, size,
                  {dy + row * width, Type::f32});
  }
}

}  // namespace

void DenseOperation::forward(const Block& block) const {
  const std::int64_t vectors = block.rows * spec_.groups;
  const auto rows = static_cast<std::size_t>(vectors);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* y = block.data(spec_.y);
  const float* const x = block.data(spec_.x);
  const float* const kernel = block.parameters + spec_.kernel;
  if (are_long_rows(spec_.units, spec_.inputs)) {
    multiply_long_rows(x, vectors, kernel, spec_.units, spec_.inputs, y);
  } else {
    multiply(vectors, spec_.units, spec_.inputs, {x, spec_.inputs}, {kernel, spec_.inputs, true},
             0.0f, y);
  }
  if (spec_.use_bias) {
    add_bias(block.parameters + spec_.bias, rows, units, spec_.relu, y);
  } else if (spec_.relu) {
    relu(at(block, spec_.y), vectors * spec_.units, at(block, spec_.y));
  }
}

// By pieces of the inputs that stay in the cache with their gradient: large images would go through
// memory for the kernel's gradient, for theirs and for the relu before.
void DenseOperation::backward(const Block& block) const {
  const std::int64_t vectors = block.rows * spec_.groups;
  const auto rows = static_cast<std::size_t>(vectors);
  const auto units = static_cast<std::size_t>(spec_.units);
  float* dy = block.data(spec_.dy);
  if (spec_.relu_backward) {
    relu_backward(at(block, spec_.y), vectors * spec_.units, at(block, spec_.dy));
  }
  if (spec_.use_bias && spec_.trains_bias) add_rows(dy, rows, units, block.gradients + spec_.bias);
  const float* const x = block.data(spec_.x);
  const float* const kernel = block.parameters + spec_.kernel;
  float* const gradient = block.gradients + spec_.kernel;
  float* const dx = spec_.dx ? block.data(spec_.dx) : nullptr;
  const float kept = spec_.writes_gradient && block.is_first ? 0.0f : 1.0f;
  const std::int64_t piece = std::max(least_piece, piece_bytes / (2 * vectors * value_bytes));
  for (std::int64_t first = 0; first < spec_.inputs; first += piece) {
    const std::int64_t size = std::min(piece, spec_.inputs - first);
    multiply(spec_.units, size, vectors, {dy, spec_.units, true}, {x + first, spec_.inputs}, kept,
             gradient + first, spec_.inputs);
    if (dx == nullptr) continue;
    multiply(vectors, size, spec_.units, {dy, spec_.units}, {kernel + first, spec_.inputs}, 0.0f,
             dx + first, spec_.inputs);
    if (spec_.from_relu) relu_backward_rows(x + first, vectors, size, spec_.inputs, dx + first);
  }
}

std::vector<Operation::Range> DenseOperation::written_gradients() const {
  if (!spec_.writes_gradient) return {};
  return {{spec_.kernel, spec_.kernel + static_cast<std::size_t>(spec_.inputs * spec_.units)}};
}

Operation::Work DenseOperation::work() const {
  const std::int64_t once = spec_.groups * spec_.inputs * spec_.units;
  return {once, spec_.dx ? 2 * once : once};
}

std::vector<TensorId> DenseOperation::backward_tensors() const {
  return {spec_.x.tensor, spec_.dy.tensor, spec_.dx.tensor,
          spec_.relu_backward ? spec_.y.tensor : no_tensor};
}

}  // namespace headrace::cpu
