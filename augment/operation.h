#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "headrace/augment/painter.h"
#include "headrace/augment/parameter.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// Whose geometry to repeat (keras.h says what is odd about them).
enum class KerasVersion : std::uint8_t { none, keras2, keras3 };

// What becomes of one image while it is being decided. It starts as the resize of the whole source
// to the output; operations then move the image on the output's canvas, one after the other, or add
// to what is painted on it afterwards.
struct Geometry {
  ImageSize source;
  ImageSize output;
  AffineMap source_from_output;
  KerasVersion keras = KerasVersion::none;
  SamplePlan* plan = nullptr;

  explicit Geometry(ImageSize source_size, ImageSize output_size, SamplePlan* painted = nullptr);

  // `old_from_new` says where the pixels come from: x' and y' before this operation, in pixels of
  // the output.
  void apply(const AffineMap& old_from_new);
  // The same, of the linear part alone, with the centre of the output where it is. With
  // KerasVersion, where that version takes the centre to be, and of its axes.
  void turn(double xx, double xy, double yx, double yy);
  // Adds to SamplePlan::operations: `kind` is the stream_id of a painter's name.
  void paint(std::uint32_t kind, std::initializer_list<double> values = {});
};

// A kind of operation: how it is called and written, how it is decided, and how it is done.
struct Operation {
  Parameter parameter;
  // Draws from `rng`, a stream of this operation and sample alone, and adds to the geometry. Pure.
  // `value` has passed check_value() and is not the default.
  void (*plan)(const ParameterValue& value, Rng& rng, Geometry& geometry) = nullptr;
  // False for what does the same to every image: it stays for validation and prediction.
  bool random = true;
  // For those that paint.
  Painter painter = {};
};

// All operations, in the order in which they are applied unless a recipe says otherwise.
const std::vector<Operation>& operations();

// Null if there is none of that name.
const Operation* find_operation(std::string_view name);

// Parameters of operations; all of them do nothing by default.
Parameter flag_parameter(std::string name, std::string help);
Parameter number_parameter(std::string name, std::string help, double low, double high);
// A low and a high end, both in [low, high].
Parameter range_parameter(std::string name, std::string help, double low, double high);
Parameter fields_parameter(std::string name, std::string help, std::vector<NumberField> fields);
// Number `i` of such a parameter's value.
double field_of(const Parameter& parameter, const ParameterValue& value, std::size_t i);

}  // namespace headrace
