#include "headrace/augment/kernels.h"

namespace headrace {

const std::vector<const Kernels*>& available_kernels() {
  static const std::vector<const Kernels*> all = [] {
    std::vector<const Kernels*> found = {&portable_kernels()};
    for (const Kernels* kernels : {avx2_kernels(), avx512_kernels()}) {
      if (kernels != nullptr) found.push_back(kernels);
    }
    return found;
  }();
  return all;
}

}  // namespace headrace
