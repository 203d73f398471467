#include "headrace/train/cpu/copy_operation.h"

#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {

void CopyOperation::forward(const Block& block) const {
  if (!spec_.from) return;
  copy(at(block, spec_.from), at(block, spec_.to), block.rows * spec_.elements / spec_.width,
       spec_.width);
}

void CopyOperation::backward(const Block& block) const {
  if (!spec_.from_gradient) return;
  const std::int64_t groups = block.rows * spec_.elements / spec_.width;
  bool first = true;
  for (const View& part : spec_.to_gradients) {
    const auto step = first ? copy : accumulate;
    step(at(block, part), at(block, spec_.from_gradient), groups, spec_.width);
    first = false;
  }
}

std::vector<TensorId> CopyOperation::backward_tensors() const {
  std::vector<TensorId> tensors{spec_.from_gradient.tensor};
  for (const View& part : spec_.to_gradients) tensors.push_back(part.tensor);
  return tensors;
}

}  // namespace headrace::cpu
