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
  if (resize == "cubic") return Filter::cubic;
  return resize == "linear" ? Filter::linear : Filter::triangle;
}

FillMode fill_mode_of(const std::string& name) {
  if (name == "constant") return FillMode::constant;
  if (name == "reflect") return FillMode::reflect;
  if (name == "mirror") return FillMode::mirror;
  if (name == "scipy_constant") return FillMode::scipy_constant;
  if (name == "scipy_wrap") return FillMode::scipy_wrap;
  return name == "wrap" ? FillMode::wrap : FillMode::nearest;
}

KerasVersion keras_version_of(const std::string& name) {
  if (name == "keras2") return KerasVersion::keras2;
  return name == "keras3" ? KerasVersion::keras3 : KerasVersion::none;
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

// Keras adds it to every deviation that it divides by.
constexpr double deviation_epsilon = 1e-6;

Standardize::Numbers numbers_of(const Recipe& recipe) {
  Standardize::Numbers numbers;
  numbers.function = recipe.function();
  numbers.scale = setting<double>(recipe, "rescale");
  numbers.samplewise_center = setting<bool>(recipe, "samplewise_center");
  numbers.samplewise_std = setting<bool>(recipe, "samplewise_std");
  numbers.mean.assign(recipe.mean().begin(), recipe.mean().end());
  const auto& given = setting<std::vector<double>>(recipe, "channel_mean");
  if (!given.empty()) numbers.mean = given;
  numbers.deviation = setting<std::vector<double>>(recipe, "channel_std");
  for (const float fitted : recipe.deviation()) {
    numbers.deviation.push_back(static_cast<double>(fitted) + deviation_epsilon);
  }
  numbers.whitening = recipe.whitening();
  return numbers;
}

// What is left to do while values are stored.
Finish::Numbers normalisation_of(const Recipe& recipe) {
  const Standardize::Numbers numbers = numbers_of(recipe);
  if (Standardize(numbers).is_needed()) return {};
  return {numbers.scale, numbers.mean, numbers.deviation};
}

std::string text_of(const Region& region) {
  return fmt::format("rows {} to {}, columns {} to {}", region.top, region.top + region.height,
                     region.left, region.left + region.width);
}

SamplePlan without_operations(SamplePlan plan) {
  plan.operation_count = 0;
  return plan;
}

void check(bool good, const std::string& message) {
  if (!good) throw Error(ErrorCode::invalid_argument, message);
}

}  // namespace

RecipeAugmenter::RecipeAugmenter(const Recipe& recipe, const Kernels& kernels)
    : output_{"image", recipe.type(), shape_of(recipe)},
      finish_(recipe.output(), recipe.type(), recipe.layout(), normalisation_of(recipe)),
      canvas_levels_(recipe.output(), ElementType::u8, Layout::nhwc, {}),
      canvas_values_(recipe.output(), ElementType::f32, Layout::nhwc, {}),
      filter_(filter_of(setting<std::string>(recipe, "resize"))),
      fill_mode_(fill_mode_of(setting<std::string>(recipe, "fill_mode"))),
      fill_value_(static_cast<float>(setting<double>(recipe, "fill_value"))),
      keras_(keras_version_of(setting<std::string>(recipe, "keras"))),
      standardize_(numbers_of(recipe)),
      targets_({recipe.output().size(), static_cast<float>(setting<double>(recipe, "mask_fill")),
                setting<std::string>(recipe, "pair_operations") == "geometry"},
               kernels),
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
  SamplePlan plan;
  Geometry geometry(source, finish_.shape().size(), &plan);
  geometry.keras = keras_;
  for (const Step& step : steps_) {
    Rng rng = sample.for_operation(step.stream);
    step.operation->plan(step.value, rng, geometry);
  }
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

void RecipeAugmenter::check_output(const SamplePlan& plan) const {
  if (!(plan.output == finish_.shape().size())) {
    check(false, fmt::format("a plan for {}x{} for a recipe of {}x{}", plan.output.height,
                             plan.output.width, finish_.shape().height, finish_.shape().width));
  }
}

void RecipeAugmenter::render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                             std::byte* destination, RenderScratch& scratch) const {
  if (pixels.shape.channels != channels()) {
    check(false, fmt::format("an image of {} channels for a recipe of {}", pixels.shape.channels,
                             channels()));
  }
  check_output(plan);
  if (pixels.shape.height != decoded.height || pixels.shape.width != decoded.width) {
    check(false, fmt::format("pixels of {}x{} that are said to show {}", pixels.shape.height,
                             pixels.shape.width, text_of(decoded)));
  }
  const Region needed = region_of(plan);
  if (!decoded.contains(needed)) {
    check(false,
          fmt::format("pixels of {} for a plan that reads {}", text_of(decoded), text_of(needed)));
  }
  if (pixels.type != ElementType::u8 && pixels.type != ElementType::f32) {
    check(false, fmt::format("pixels of type {}: they must be u8 or f32", to_string(pixels.type)));
  }
  const bool levels = pixels.type == ElementType::u8;
  const bool by_rows = plan.operations().empty() || (levels && is_pointwise(plan));
  if (!by_rows || standardize_.is_needed()) {
    render_canvas(plan, pixels, decoded, destination, scratch);
  } else if (levels) {
    render_levels(plan, pixels, decoded, finish_, destination, scratch, kernels_);
  } else {
    render_values(plan, pixels, decoded, finish_, destination, scratch);
  }
}

void RecipeAugmenter::render_planes(const SamplePlan& plan, const ColourPlanes& planes,
                                    std::byte* destination, RenderScratch& scratch) const {
  check_output(plan);
  check(takes_planes(plan), "a plan that planes of brightness and colour cannot be resampled by");
  if (is_pointwise(plan) && !standardize_.is_needed()) {
    headrace::render_planes(plan, planes, finish_, destination, scratch, kernels_);
    return;
  }
  headrace::render_planes(without_operations(plan), planes, canvas_levels_, canvas_memory(scratch),
                          scratch, kernels_);
  finish_levels(plan, destination, scratch);
}

std::byte* RecipeAugmenter::canvas_memory(RenderScratch& scratch) const {
  const std::size_t bytes = finish_.shape().elements() * sizeof(float) + Kernels::slack;
  if (scratch.canvas.size() < bytes) scratch.canvas.resize(bytes);
  return scratch.canvas.data();
}

void RecipeAugmenter::render_canvas(const SamplePlan& plan, const ImageView& pixels,
                                    const Region& decoded, std::byte* destination,
                                    RenderScratch& scratch) const {
  std::byte* const memory = canvas_memory(scratch);
  if (pixels.type == ElementType::u8) {
    render_levels(without_operations(plan), pixels, decoded, canvas_levels_, memory, scratch,
                  kernels_);
    finish_levels(plan, destination, scratch);
    return;
  }
  render_values(plan, pixels, decoded, canvas_values_, memory, scratch);
  const Canvas<float> canvas = {reinterpret_cast<float*>(memory),
                                finish_.shape(),
                                kernels_,
                                scratch.spare,
                                plan,
                                &scratch.motion};
  paint_plan(plan, canvas);
  finish_values(destination, scratch);
}

void RecipeAugmenter::finish_levels(const SamplePlan& plan, std::byte* destination,
                                    RenderScratch& scratch) const {
  const ImageShape shape = finish_.shape();
  auto* const levels = reinterpret_cast<std::uint8_t*>(scratch.canvas.data());
  auto* const values = reinterpret_cast<float*>(scratch.canvas.data());
  const Canvas<std::uint8_t> canvas = {levels,        shape, kernels_,
                                       scratch.spare, plan,  &scratch.motion};
  paint_plan(plan, canvas);
  if (!standardize_.is_needed()) {
    finish_.all_levels(levels, destination, scratch.spare, kernels_);
    return;
  }
  // From the end, since they share their memory.
  for (std::size_t e = shape.elements(); e-- > 0;) values[e] = levels[e];
  finish_values(destination, scratch);
}

void RecipeAugmenter::finish_values(std::byte* destination, RenderScratch& scratch) const {
  const ImageShape shape = finish_.shape();
  auto* const values = reinterpret_cast<float*>(scratch.canvas.data());
  if (standardize_.is_needed()) {
    standardize_.apply({values, shape.elements()}, shape, scratch.spare);
  }
  for (int y = 0; y < shape.height; ++y) {
    finish_.values(values + static_cast<std::size_t>(y) * finish_.row_elements(), y, destination);
  }
}

}  // namespace headrace
