#include "headrace/augment/operation.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {

Geometry::Geometry(ImageSize source_size, ImageSize output_size, SamplePlan* painted)
    : source(source_size), output(output_size), plan(painted) {
  source_from_output.xx = static_cast<double>(source.width) / output.width;
  source_from_output.yy = static_cast<double>(source.height) / output.height;
}

void Geometry::apply(const AffineMap& old_from_new) {
  source_from_output = source_from_output.after(old_from_new);
}

void Geometry::turn(double xx, double xy, double yx, double yy) {
  AffineMap map = {.xx = xx, .xy = xy, .yx = yx, .yy = yy};
  double x = output.width / 2.0;
  double y = output.height / 2.0;
  if (keras == KerasVersion::keras2) {
    map = {.xx = yy, .xy = yx, .yx = xy, .yy = xx};
    x += 1;
    y += 1;
  } else if (keras == KerasVersion::keras3) {
    std::swap(x, y);
  }
  map.xt = x - map.xx * x - map.xy * y;
  map.yt = y - map.yx * x - map.yy * y;
  apply(map);
}

void Geometry::paint(std::uint32_t kind, std::initializer_list<double> values) {
  PlannedOperation operation;
  operation.kind = kind;
  std::transform(values.begin(), values.end(), operation.values.begin(),
                 [](double value) { return static_cast<float>(value); });
  plan->add(operation);
}

const Operation* find_operation(std::string_view name) {
  for (const Operation& operation : operations()) {
    if (operation.parameter.name == name) return &operation;
  }
  return nullptr;
}

const Painter& find_painter(std::uint32_t kind) {
  for (const Operation& operation : operations()) {
    if (kind != 0 && operation.painter.kind == kind) return operation.painter;
  }
  throw Error(ErrorCode::invalid_argument,
              "a plan of an operation that there is not: it was made by another version");
}

void paint_plan(const SamplePlan& plan, const Canvas<std::uint8_t>& canvas) {
  for (const PlannedOperation& operation : plan.operations()) {
    find_painter(operation.kind).levels(operation.values, canvas);
  }
}

void paint_plan(const SamplePlan& plan, const Canvas<float>& canvas) {
  for (const PlannedOperation& operation : plan.operations()) {
    find_painter(operation.kind).values(operation.values, canvas);
  }
}

bool is_pointwise(const SamplePlan& plan) {
  return std::all_of(
      plan.operations().begin(), plan.operations().end(),
      [](const PlannedOperation& operation) { return find_painter(operation.kind).is_pointwise; });
}

Parameter flag_parameter(std::string name, std::string help) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.help = std::move(help);
  return parameter;
}

Parameter number_parameter(std::string name, std::string help, double low, double high) {
  Parameter parameter = flag_parameter(std::move(name), std::move(help));
  parameter.kind = ParameterKind::number;
  parameter.default_value = 0.0;
  parameter.low = low;
  parameter.high = high;
  return parameter;
}

Parameter range_parameter(std::string name, std::string help, double low, double high) {
  Parameter parameter = number_parameter(std::move(name), std::move(help), low, high);
  parameter.kind = ParameterKind::ranges;
  parameter.default_value = std::vector<double>{};
  parameter.most = 1;
  return parameter;
}

Parameter fields_parameter(std::string name, std::string help, std::vector<NumberField> fields) {
  Parameter parameter = flag_parameter(std::move(name), std::move(help));
  parameter.kind = ParameterKind::numbers;
  parameter.default_value = std::vector<double>{};
  parameter.most = fields.size();
  parameter.fields = std::move(fields);
  return parameter;
}

double field_of(const Parameter& parameter, const ParameterValue& value, std::size_t i) {
  const auto& values = std::get<std::vector<double>>(value);
  return i < values.size() ? values[i] : parameter.fields[i].value;
}

}  // namespace headrace
