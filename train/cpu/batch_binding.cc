#include "headrace/train/cpu/batch_binding.h"

#include "headrace/pipeline/error.h"

namespace headrace::cpu {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

std::string describe(const FieldSpec& field) {
  return std::string(to_string(field.type)) + " " + Shape(field.shape).to_string();
}

const std::byte* first_row(const FieldView& view, const StepInput& step) {
  return view.data + static_cast<std::size_t>(step.first) * view.spec->row_bytes();
}

}  // namespace

BoundBatch bind_batch(const Program& program, const StepInput& step, std::int64_t most_rows) {
  if (step.batch == nullptr) fail("a step needs a batch");
  if (step.first < 0 || step.rows < 0 || step.first + step.rows > step.batch->size()) {
    fail("rows " + std::to_string(step.first) + " to " + std::to_string(step.first + step.rows) +
         " are not in a batch of " + std::to_string(step.batch->size()));
  }
  if (step.rows > most_rows) {
    fail("the plan was compiled for at most " + std::to_string(most_rows) + " rows, not " +
         std::to_string(step.rows));
  }
  BoundBatch bound;
  for (const Program::Input& input : program.inputs) {
    const FieldView view = step.batch->field(input.field);
    const bool known_type =
        view.spec->type == ElementType::f32 || view.spec->type == ElementType::u8;
    if (!known_type || Shape(view.spec->shape) != input.shape) {
      fail("batch field " + input.field + " is " + describe(*view.spec) +
           ", but the model needs f32 or u8 " + input.shape.to_string());
    }
    bound.inputs.push_back({first_row(view, step), view.spec->type, input.shape.elements()});
  }
  return bound;
}

}  // namespace headrace::cpu
