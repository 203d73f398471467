#include "headrace/augment/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "headrace/augment/operation.h"
#include "headrace/augment/recipe_augmenter.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

// To be raised when the same recipe gives other pixels than before.
constexpr int renderer_version = 1;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

std::string text_of(const ImageShape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::size_t order_of(std::string_view name) {
  const std::vector<Parameter>& all = recipe_parameters();
  return static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(), [&](const Parameter& p) { return p.name == name; }) -
      all.begin());
}

void assign(std::vector<Recipe::Setting>& list, std::string_view name, const ParameterValue& value,
            bool is_default) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const Recipe::Setting& s) { return s.first == name; });
  if (found != list.end()) {
    if (is_default) {
      list.erase(found);
    } else {
      found->second = value;
    }
    return;
  }
  if (is_default) return;
  const std::size_t order = order_of(name);
  const auto place = std::find_if(list.begin(), list.end(), [&](const Recipe::Setting& s) {
    return order_of(s.first) > order;
  });
  list.insert(place, {std::string(name), value});
}

// What stays of a recipe's operations when nothing is drawn.
std::vector<Recipe::Setting> fixed_operations(const Recipe& recipe) {
  std::vector<Recipe::Setting> fixed;
  for (const Recipe::Setting& setting : recipe.operations()) {
    if (!find_operation(setting.first)->random) fixed.push_back(setting);
    if (setting.first == "random_resized_crop") {
      const int shorter = std::min(recipe.output().height, recipe.output().width);
      fixed.emplace_back("short_side", static_cast<double>(std::lround(shorter * 8 / 7.0)));
    }
  }
  return fixed;
}

void check_crops(const Recipe& recipe) {
  std::vector<std::string_view> crops;
  for (const auto& [name, value] : recipe.operations()) {
    if (name == "random_resized_crop" || name == "short_side" || name == "center_crop") {
      crops.push_back(name);
    }
  }
  if (crops.size() > 1) {
    refuse(fmt::format("a recipe crops in one way: give only one of {}", fmt::join(crops, ", ")));
  }
}

void check_normalisation(const Recipe& recipe) {
  const auto is_default = [&](const char* name) {
    return recipe.get(name) == recipe_parameter(name).default_value;
  };
  for (const char* name : {"channel_mean", "channel_std"}) {
    const std::size_t count = std::get<std::vector<double>>(recipe.get(name)).size();
    if (count > 1 && count != static_cast<std::size_t>(recipe.output().channels)) {
      refuse(fmt::format("{} of {} numbers for {} channels: give one for each, or one for all",
                         name, count, recipe.output().channels));
    }
  }
  if (!is_default("mean") && !is_default("channel_mean")) {
    refuse("a recipe subtracts one mean: leave out mean, which is fitted, or channel_mean");
  }
  if (recipe.type() != ElementType::u8) return;
  for (const char* name : {"rescale", "mean", "channel_mean", "channel_std"}) {
    if (!is_default(name)) {
      refuse(fmt::format("a u8 output cannot be normalised: make f32, or leave {} out", name));
    }
  }
}

}  // namespace

Recipe::Recipe(ImageShape output, ElementType type) : output_(output), type_(type) {
  if (output.height <= 0 || output.width <= 0 || output.channels <= 0) {
    refuse(fmt::format("a recipe's output of {} is empty: every extent must be positive",
                       text_of(output)));
  }
  if (std::max(output.height, output.width) > max_output_side) {
    refuse(fmt::format("a recipe's output of {} is too large: a side may have {} pixels",
                       text_of(output), max_output_side));
  }
  if (type != ElementType::u8 && type != ElementType::f32 && type != ElementType::f16 &&
      type != ElementType::bf16) {
    refuse(fmt::format("a recipe cannot make {}: its output is u8, f32, f16 or bf16",
                       to_string(type)));
  }
}

Recipe& Recipe::set(std::string_view name, const ParameterValue& value) {
  const Parameter& parameter = recipe_parameter(name);
  check_value(parameter, value);
  const bool changes_mean = (name == "mean" || name == "rescale") && get(name) != value;
  assign(find_operation(name) != nullptr ? operations_ : settings_, name, value,
         value == parameter.default_value);
  if (changes_mean) mean_.clear();
  return *this;
}

const ParameterValue& Recipe::get(std::string_view name) const {
  for (const std::vector<Setting>* list : {&operations_, &settings_}) {
    for (const Setting& setting : *list) {
      if (setting.first == name) return setting.second;
    }
  }
  return recipe_parameter(name).default_value;
}

Layout Recipe::layout() const {
  return std::get<std::string>(get("layout")) == "nchw" ? Layout::nchw : Layout::nhwc;
}

MeanKind Recipe::mean_kind() const {
  const std::string& kind = std::get<std::string>(get("mean"));
  if (kind == "pixel") return MeanKind::pixel;
  return kind == "channel" ? MeanKind::channel : MeanKind::none;
}

bool Recipe::needs_mean() const { return mean_kind() != MeanKind::none && mean_.empty(); }

void Recipe::set_mean(std::vector<float> values) {
  const MeanKind kind = mean_kind();
  if (kind == MeanKind::none) {
    refuse("mean values for a recipe that subtracts none: set \"mean\" to pixel or channel first");
  }
  const std::size_t wanted =
      kind == MeanKind::pixel ? output_.elements() : static_cast<std::size_t>(output_.channels);
  if (values.size() != wanted) {
    refuse(fmt::format("a mean of {} values for an output of {}, whose mean per {} has {}",
                       values.size(), text_of(output_),
                       kind == MeanKind::pixel ? "pixel" : "channel", wanted));
  }
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    refuse("a mean with a value that is not finite");
  }
  mean_ = std::move(values);
}

void Recipe::set_mean(const ImageStatistics& statistics) {
  if (!(statistics.shape == output_)) {
    refuse(fmt::format("a mean of {} images for an output of {}: fit it over unaugmented()",
                       text_of(statistics.shape), text_of(output_)));
  }
  const std::vector<double>& mean =
      mean_kind() == MeanKind::pixel ? statistics.mean : statistics.channel_mean;
  const double rescale = std::get<double>(get("rescale"));
  std::vector<float> values(mean.size());
  std::transform(mean.begin(), mean.end(), values.begin(),
                 [&](double v) { return static_cast<float>(v * rescale); });
  set_mean(std::move(values));
}

Recipe Recipe::unaugmented(ElementType pixels) const {
  Recipe plain(output_, pixels);
  plain.set("resize", get("resize"));
  plain.operations_ = fixed_operations(*this);
  return plain;
}

Recipe Recipe::for_inference() const {
  Recipe plain = *this;
  plain.operations_ = fixed_operations(*this);
  for (const char* name : {"fill_mode", "fill_value"}) {
    plain.set(name, recipe_parameter(name).default_value);
  }
  return plain;
}

std::uint64_t Recipe::fingerprint() const {
  Fingerprint print;
  print.add(renderer_version).add(to_json()).add(std::as_bytes(std::span(mean_)));
  return print.value();
}

std::shared_ptr<const Augmenter> Recipe::make_augmenter() const {
  if (needs_mean()) {
    refuse(
        fmt::format("the recipe subtracts the mean per {}, which is not known yet: fit it over the "
                    "unaugmented images, then set_mean()",
                    to_string(get("mean"))));
  }
  check_crops(*this);
  check_normalisation(*this);
  return std::make_shared<const RecipeAugmenter>(*this);
}

}  // namespace headrace
