#include "headrace/train/comm/collective.h"

#include "headrace/pipeline/error.h"

namespace headrace {

std::string describe(Collective kind, std::size_t size) {
  const char* what = "an all_reduce_sum";
  if (kind == Collective::broadcast) what = "a broadcast";
  if (kind == Collective::all_gather) what = "an all_gather";
  return std::string(what) + " of " + std::to_string(size) + " values";
}

void check_size(Collective kind, std::size_t size, int world_size) {
  if (kind != Collective::all_gather || size % static_cast<std::size_t>(world_size) == 0) return;
  throw Error(ErrorCode::invalid_argument, describe(kind, size) + " over " +
                                               std::to_string(world_size) +
                                               " ranks: it must have equal parts");
}

}  // namespace headrace
