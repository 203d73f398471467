#include "headrace/augment/keras.h"

#include <fmt/format.h>

#include <algorithm>

#include "headrace/augment/angle.h"
#include "headrace/augment/axis.h"
#include "headrace/augment/operation.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

void set_shift(Recipe& recipe, const std::string& name, const KerasShift& range) {
  switch (range.kind) {
    case KerasShift::Kind::continuous: recipe.set(name, range.values[0]); break;
    case KerasShift::Kind::pixels: recipe.set(name + "_pixels", range.values[0]); break;
    case KerasShift::Kind::choices: recipe.set(name + "_choices", range.values); break;
  }
}

std::string fill_mode_of(const std::string& name, bool as_scipy) {
  if (name == "grid-mirror") return "reflect";
  if (name == "grid-wrap") return "wrap";
  if (name == "grid-constant") return "constant";
  if (as_scipy && (name == "constant" || name == "wrap")) return "scipy_" + name;
  return name;
}

std::string resize_of(int order, bool compat) {
  switch (order) {
    case 0: return "nearest";
    case 1: return compat ? "linear" : "antialias";
    case 3: return "cubic";
    default:
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("interpolation_order {} will not do: give 0, 1 or 3", order));
  }
}

std::string layout_of(const std::string& data_format) {
  if (data_format == "channels_last") return "nhwc";
  if (data_format == "channels_first") return "nchw";
  throw Error(ErrorCode::invalid_argument,
              fmt::format("data_format \"{}\" will not do: give channels_last or channels_first",
                          data_format));
}

}  // namespace

Recipe KerasImageDataGenerator::recipe(ImageShape output) const {
  const bool repeats = compat != "none";
  const bool needs_center = featurewise_center || featurewise_std_normalization || zca_whitening;
  Recipe recipe(output);
  recipe.set("keras", compat)
      .set("resize", resize_of(interpolation_order, repeats))
      .set("rotation", rotation_range)
      .set("shear", shear_range)
      .set("zoom", zoom_range.range)
      .set("channel_shift", channel_shift_range)
      .set("brightness", brightness_range)
      .set("horizontal_flip", horizontal_flip)
      .set("vertical_flip", vertical_flip)
      .set("fill_mode", fill_mode_of(fill_mode, repeats))
      .set("fill_value", cval)
      .set("rescale", rescale == 0 ? 1.0 : rescale)
      .set("samplewise_center", samplewise_center || samplewise_std_normalization)
      .set("samplewise_std", samplewise_std_normalization)
      .set("mean", needs_center ? "channel" : "none")
      .set("std", featurewise_std_normalization && !zca_whitening ? "channel" : "none")
      .set("zca_whitening", zca_whitening)
      .set("zca_epsilon", zca_epsilon)
      .set("layout", layout_of(data_format));
  set_shift(recipe, "width_shift", width_shift_range);
  set_shift(recipe, "height_shift", height_shift_range);
  if (preprocessing_function) {
    recipe.set_function("preprocessing_function", preprocessing_function);
  }
  return recipe;
}

SamplePlan keras_plan(const Recipe& recipe, const KerasTransform& transform, ImageSize source) {
  Recipe still(recipe.output());
  for (const char* name : {"keras", "resize", "fill_mode", "fill_value"}) {
    still.set(name, recipe.get(name));
  }
  SamplePlan plan = still.make_augmenter()->plan(source, Rng(0, 0));
  Geometry geometry(source, plan.output, &plan);
  const auto& compat = std::get<std::string>(recipe.get("keras"));
  if (compat == "keras2") geometry.keras = KerasVersion::keras2;
  if (compat == "keras3") geometry.keras = KerasVersion::keras3;

  const double theta_cosine = cosine(transform.theta);
  const double theta_sine = sine(transform.theta);
  geometry.turn(theta_cosine, -theta_sine, theta_sine, theta_cosine);
  const bool rows_first = geometry.keras == KerasVersion::keras2;
  geometry.apply({.xt = rows_first ? transform.ty : transform.tx,
                  .yt = rows_first ? transform.tx : transform.ty});
  geometry.turn(1, -sine(transform.shear), 0, cosine(transform.shear));
  geometry.turn(transform.zx, 0, 0, transform.zy);
  if (transform.flip_horizontal) {
    geometry.apply({.xx = -1, .xt = static_cast<double>(plan.output.width)});
  }
  if (transform.flip_vertical) {
    geometry.apply({.yy = -1, .yt = static_cast<double>(plan.output.height)});
  }
  if (transform.channel_shift_intensity != 0) {
    geometry.paint(stream_id("channel_shift"), {transform.channel_shift_intensity});
  }
  if (transform.brightness != 1) {
    geometry.paint(stream_id("brightness"), {transform.brightness});
  }
  plan.source_from_output = geometry.source_from_output;
  plan.region = region_of(plan);
  return plan;
}

}  // namespace headrace
