#pragma once

#include <vector>

#include "headrace/augment/parameter.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// The geometry of one image while it is being decided. It starts as the resize of the whole source
// to the output; operations then move the image on the output's canvas, one after the other.
struct Geometry {
  ImageSize source;
  ImageSize output;
  AffineMap source_from_output;

  explicit Geometry(ImageSize source_size, ImageSize output_size);

  // `old_from_new` says where the pixels come from: x' and y' before this operation, in pixels of
  // the output.
  void apply(const AffineMap& old_from_new);
};

// A kind of operation: how it is called and written, and how it is decided.
struct Operation {
  Parameter parameter;
  // Draws from `rng`, a stream of this operation and sample alone, and adds to the geometry. Pure.
  // `value` has passed check_value() and is not the default.
  void (*plan)(const ParameterValue& value, Rng& rng, Geometry& geometry);
  // False for what does the same to every image: it stays for validation and prediction.
  bool random = true;
};

// All operations, in the order in which they are applied unless a recipe says otherwise.
const std::vector<Operation>& operations();

// Null if there is none of that name.
const Operation* find_operation(std::string_view name);

}  // namespace headrace
