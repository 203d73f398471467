#include "headrace/augment/recipe_augmenter.h"

#include <fmt/format.h>

#include <algorithm>

#include "headrace/augment/axis.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

Filter filter_of(const std::string& resize) {
  if (resize == "nearest") return Filter::nearest;
  if (resize == "box") return Filter::box;
  return resize == "linear" ? Filter::linear : Filter::triangle;
}

FillMode fill_mode_of(const std::string& name) {
  if (name == "constant") return FillMode::constant;
  if (name == "reflect") return FillMode::reflect;
  return name == "wrap" ? FillMode::wrap : FillMode::nearest;
}

template <class T>
const T& setting(const Recipe& recipe, const char* name) {
  return std::get<T>(recipe.get(name));
}

std::vector<std::int64_t> shape_of(const Recipe& recipe) {
  const auto [height, width, channels] = recipe.output();
  if (recipe.layout() == Layout::nchw) return {channels, height, width};
  return {height, width, channels};
}

Finish::Numbers normalisation_of(const Recipe& recipe) {
  Finish::Numbers numbers;
  numbers.scale = setting<double>(recipe, "rescale");
  numbers.mean.assign(recipe.mean().begin(), recipe.mean().end());
  const auto& given = setting<std::vector<double>>(recipe, "channel_mean");
  if (!given.empty()) numbers.mean = given;
  numbers.deviation = setting<std::vector<double>>(recipe, "channel_std");
  return numbers;
}

std::string text_of(const Region& region) {
  return fmt::format("rows {} to {}, columns {} to {}", region.top, region.top + region.height,
                     region.left, region.left + region.width);
}

void check(bool good, const std::string& message) {
  if (!good) throw Error(ErrorCode::invalid_argument, message);
}

}  // namespace

RecipeAugmenter::RecipeAugmenter(const Recipe& recipe, const Kernels& kernels)
    : output_{"image", recipe.type(), shape_of(recipe)},
      finish_(recipe.output(), recipe.type(), recipe.layout(), normalisation_of(recipe)),
      filter_(filter_of(setting<std::string>(recipe, "resize"))),
      fill_mode_(fill_mode_of(setting<std::string>(recipe, "fill_mode"))),
      fill_value_(static_cast<float>(setting<double>(recipe, "fill_value"))),
      fingerprint_(recipe.fingerprint()),
      kernels_(kernels) {
  for (const auto& [name, value] : recipe.operations()) {
    steps_.push_back({find_operation(name), value, stream_id(name)});
  }
}

SamplePlan RecipeAugmenter::plan(ImageSize source, const Rng& sample) const {
  if (source.height <= 0 || source.width <= 0 || source.height > max_source_side ||
      source.width > max_source_side) {
    check(false, fmt::format("an image of {}x{} pixels cannot become {}x{}: its sides must have 1 "
                             "to {} pixels",
                             source.height, source.width, finish_.shape().height,
                             finish_.shape().width, max_source_side));
  }
  Geometry geometry(source, finish_.shape().size());
  for (const Step& step : steps_) {
    Rng rng = sample.for_operation(step.stream);
    step.operation->plan(step.value, rng, geometry);
  }
  SamplePlan plan;
  plan.source = source;
  plan.output = finish_.shape().size();
  plan.source_from_output = geometry.source_from_output;
  plan.filter = filter_;
  plan.fill_mode = fill_mode_;
  plan.fill_value = fill_value_;
  plan.region = region_of(plan);
  return plan;
}

bool RecipeAugmenter::is_random() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const Step& step) { return step.operation->random; });
}

void RecipeAugmenter::render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                             std::byte* destination, RenderScratch& scratch) const {
  if (pixels.shape.channels != channels()) {
    check(false, fmt::format("an image of {} channels for a recipe of {}", pixels.shape.channels,
                             channels()));
  }
  if (!(plan.output == finish_.shape().size())) {
    check(false, fmt::format("a plan for {}x{} for a recipe of {}x{}", plan.output.height,
                             plan.output.width, finish_.shape().height, finish_.shape().width));
  }
  if (pixels.shape.height != decoded.height || pixels.shape.width != decoded.width) {
    check(false, fmt::format("pixels of {}x{} that are said to show {}", pixels.shape.height,
                             pixels.shape.width, text_of(decoded)));
  }
  if (!plan.source_from_output.is_axis_aligned() || !plan.operations().empty()) {
    throw Error(ErrorCode::unsupported, "a plan with more than resizing, shifts and flips");
  }
  const Region needed = region_of(plan);
  if (!decoded.contains(needed)) {
    check(false,
          fmt::format("pixels of {} for a plan that reads {}", text_of(decoded), text_of(needed)));
  }
  if (pixels.type == ElementType::u8) {
    render_levels(plan, pixels, decoded, finish_, destination, scratch, kernels_);
  } else if (pixels.type == ElementType::f32) {
    render_values(plan, pixels, decoded, finish_, destination, scratch);
  } else {
    check(false, fmt::format("pixels of type {}: they must be u8 or f32", to_string(pixels.type)));
  }
}

}  // namespace headrace
