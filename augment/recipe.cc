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

// What a u8 output cannot have.
constexpr const char* normalisation[] = {"rescale",           "mean",           "std",
                                         "samplewise_center", "samplewise_std", "zca_epsilon",
                                         "channel_std",       "zca_whitening",  "channel_mean"};

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
    if (name == "random_resized_crop" || name == "short_side" || name == "center_crop" ||
        name == "random_crop") {
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
  if (!is_default("std") && !is_default("channel_std")) {
    refuse("a recipe divides by one deviation: leave out std, which is fitted, or channel_std");
  }
  if (recipe.type() != ElementType::u8) return;
  if (recipe.function()) refuse("a u8 output cannot have a function: make f32, or leave it out");
  for (const char* name : normalisation) {
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
  const bool is_fitted = name == "mean" || name == "std" || name == "rescale" ||
                         name == "zca_whitening" || name == "zca_epsilon";
  const bool changes = is_fitted && get(name) != value;
  assign(find_operation(name) != nullptr ? operations_ : settings_, name, value,
         value == parameter.default_value);
  if (changes) {
    mean_.clear();
    deviation_.clear();
    whitening_.clear();
  }
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

bool Recipe::needs_mean() const {
  const bool deviation = std::get<std::string>(get("std")) == "channel";
  const bool whitening = std::get<bool>(get("zca_whitening"));
  return (mean_kind() != MeanKind::none && mean_.empty()) || (deviation && deviation_.empty()) ||
         (whitening && whitening_.empty());
}

void Recipe::set_deviation(std::vector<float> values) {
  if (std::get<std::string>(get("std")) != "channel") {
    refuse("a deviation for a recipe that divides by none: set \"std\" to channel first");
  }
  if (values.size() != static_cast<std::size_t>(output_.channels)) {
    refuse(
        fmt::format("a deviation of {} values for {} channels", values.size(), output_.channels));
  }
  deviation_ = std::move(values);
}

void Recipe::set_whitening(std::vector<float> matrix) {
  if (!std::get<bool>(get("zca_whitening"))) {
    refuse("whitening for a recipe without: set \"zca_whitening\" first");
  }
  if (matrix.size() != output_.elements() * output_.elements()) {
    refuse(fmt::format("whitening of {} values for an output of {}, which needs {} squared",
                       matrix.size(), text_of(output_), output_.elements()));
  }
  whitening_ = std::move(matrix);
}

void Recipe::set_fitted(const Recipe& other) {
  if (!other.mean_.empty()) set_mean(other.mean_);
  if (!other.deviation_.empty()) set_deviation(other.deviation_);
  if (!other.whitening_.empty()) set_whitening(other.whitening_);
}

void Recipe::set_function(std::string name, PreprocessingFunction function) {
  function_name_ = std::move(name);
  function_ = std::move(function);
}

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
  const double rescale = std::get<double>(get("rescale"));
  const auto rescaled = [&](const std::vector<double>& levels) {
    std::vector<float> values(levels.size());
    std::transform(levels.begin(), levels.end(), values.begin(),
                   [&](double v) { return static_cast<float>(v * rescale); });
    return values;
  };
  const bool has_more =
      std::get<std::string>(get("std")) == "channel" || std::get<bool>(get("zca_whitening"));
  if (mean_kind() != MeanKind::none || !has_more) {
    set_mean(rescaled(mean_kind() == MeanKind::pixel ? statistics.mean : statistics.channel_mean));
  }
  if (std::get<std::string>(get("std")) == "channel") {
    set_deviation(rescaled(statistics.channel_std));
  }
}

Recipe Recipe::unaugmented(ElementType pixels) const {
  Recipe plain(output_, pixels);
  plain.set("resize", get("resize"));
  plain.operations_ = fixed_operations(*this);
  if (function_) {
    plain.type_ = ElementType::f32;
    plain.set_function(function_name_, function_);
  }
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

Recipe Recipe::without_normalisation() const {
  Recipe plain = *this;
  plain.type_ = ElementType::u8;
  plain.function_ = nullptr;
  for (const char* name : normalisation) plain.set(name, recipe_parameter(name).default_value);
  plain.set("layout", std::string("nhwc"));
  return plain;
}

std::uint64_t Recipe::fingerprint() const {
  Fingerprint print;
  print.add(renderer_version).add(to_json()).add(std::as_bytes(std::span(mean_)));
  if (!deviation_.empty()) print.add(std::as_bytes(std::span(deviation_)));
  if (!whitening_.empty()) print.add(std::as_bytes(std::span(whitening_)));
  if (function_) print.add(function_name_);
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
