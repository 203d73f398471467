#include "headrace/train/gpu/operation.h"

#include <algorithm>

namespace headrace::gpu {

Array Pass::array(const View& view) const {
  if (!view) return {};
  const auto tensor = static_cast<std::size_t>(view.tensor);
  if (lifetimes != nullptr) {
    Lifetime& life = (*lifetimes)[tensor];
    life.first = std::min(life.first, time);
    life.last = std::max(life.last, time);
    alignas(16) static std::byte anywhere[16];  // never looked at
    return {anywhere, view.type, view.stride};
  }
  std::byte* const data =
      (*tensors)[tensor] + static_cast<std::size_t>(view.offset) * size_of(view.type);
  return {data, view.type, view.stride};
}

bool fits_eight(std::int64_t width, std::initializer_list<Array> arrays) {
  if (width % 8 != 0) return false;
  return std::all_of(arrays.begin(), arrays.end(), [](const Array& array) {
    return array.stride % 8 == 0 && reinterpret_cast<std::uintptr_t>(array.data) % 16 == 0;
  });
}

}  // namespace headrace::gpu
