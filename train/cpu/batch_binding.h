#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/train/backend.h"
#include "headrace/train/cpu/cross_entropy.h"
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
  Labels labels;              // of the step's first row
};

// Throws Error{invalid_argument} naming the field if the batch lacks it or its shape or type do not
// fit the model, if the rows are not in the batch, or naming the row if a label is out of range.
BoundBatch bind_batch(const Program& program, const StepInput& step, std::int64_t most_rows);
void bind_labels(const Program& program, const StepInput& step, const std::string& label_field,
                 BoundBatch& bound);

}  // namespace headrace::cpu
