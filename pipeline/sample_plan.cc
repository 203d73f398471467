#include "headrace/pipeline/sample_plan.h"

#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {

AffineMap AffineMap::after(const AffineMap& first) const {
  return {.xx = xx * first.xx + xy * first.yx,
          .xy = xx * first.xy + xy * first.yy,
          .xt = xx * first.xt + xy * first.yt + xt,
          .yx = yx * first.xx + yy * first.yx,
          .yy = yx * first.xy + yy * first.yy,
          .yt = yx * first.xt + yy * first.yt + yt};
}

void SamplePlan::add(const PlannedOperation& operation) {
  if (operation_count >= max_operations) {
    throw Error(ErrorCode::invalid_argument, "a recipe of more than " +
                                                 std::to_string(max_operations) +
                                                 " operations on pixels: leave some out");
  }
  operation_slots[operation_count++] = operation;
}

}  // namespace headrace
