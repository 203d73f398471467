#include "headrace/augment/crop.h"
#include "headrace/augment/flip.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/shift.h"

namespace headrace {

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      random_resized_crop(), short_side(),      center_crop(),   width_shift(),
      height_shift(),        horizontal_flip(), vertical_flip(),
  };
  return all;
}

}  // namespace headrace
