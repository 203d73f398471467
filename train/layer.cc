#include "headrace/train/layer.h"

namespace headrace {

std::vector<ParameterSpec> Layer::parameters(std::span<const Shape>) const { return {}; }

std::int64_t Layer::multiply_adds(std::span<const Shape>) const { return 0; }

}  // namespace headrace
