#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/train/backend.h"
#include "headrace/train/cpu/program.h"

namespace headrace::cpu {

// The rows of a batch that a step works on, found and checked.
struct BoundBatch {
  struct Field {
    const std::byte* rows = nullptr;  // of the step's first row
    ElementType type = ElementType::f32;
    std::int64_t elements = 0;  // of a row
  };
  std::vector<Field> inputs;  // as the program lists them
};

// Throws Error{invalid_argument} naming the field if the batch lacks it or its shape or type do not
// fit the model, or if the rows are not in the batch.
BoundBatch bind_batch(const Program& program, const StepInput& step, std::int64_t most_rows);

}  // namespace headrace::cpu
