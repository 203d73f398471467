// Rows keep a pointer to their spec, so it cannot be one that is about to go.
#include "headrace/pipeline/batch.h"

headrace::Rows rows_of(std::span<std::byte* const> memory) {
  return headrace::Rows(headrace::BatchSpec{{{"label", headrace::ElementType::i32, {}}}}, memory, 0,
                        1);
}
