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

void check_labels(const Labels& labels, const StepInput& step, std::int64_t classes,
                  const std::string& field) {
  for (std::int64_t row = 0; row < step.rows; ++row) {
    const std::int32_t label = labels.indices[row];
    if (label >= 0 && label < classes) continue;
    fail("row " + std::to_string(step.first + row) + " of the batch has " + field + " " +
         std::to_string(label) + ", but the model has the classes 0 to " +
         std::to_string(classes - 1) + ": train a model of more classes, or mend the data");
  }
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

void bind_labels(const Program& program, const StepInput& step, const std::string& label_field,
                 BoundBatch& bound) {
  const std::int64_t classes = program.output.elements();
  const FieldView view = step.batch->field(label_field);
  const bool sparse = view.spec->type == ElementType::i32 && view.spec->shape.empty();
  if (sparse) {
    bound.labels.indices = reinterpret_cast<const std::int32_t*>(first_row(view, step));
    check_labels(bound.labels, step, classes, label_field);
  } else if (view.spec->type == ElementType::f32 && Shape(view.spec->shape) == program.output) {
    bound.labels.targets = reinterpret_cast<const float*>(first_row(view, step));
  } else {
    fail("batch field " + label_field + " is " + describe(*view.spec) + ", but a model of output " +
         program.output.to_string() + " needs labels that are i32 () or f32 " +
         program.output.to_string());
  }
}

}  // namespace headrace::cpu
