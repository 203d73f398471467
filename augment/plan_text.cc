#include "headrace/augment/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "headrace/augment/operation.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Filter filter) {
  switch (filter) {
    case Filter::nearest: return "nearest";
    case Filter::linear: return "linear";
    case Filter::triangle: return "antialias";
    case Filter::box: return "box";
    case Filter::cubic: return "cubic";
  }
  return "unknown";
}

const char* name_of(FillMode mode) {
  switch (mode) {
    case FillMode::constant: return "constant";
    case FillMode::nearest: return "nearest";
    case FillMode::reflect: return "reflect";
    case FillMode::wrap: return "wrap";
    case FillMode::mirror: return "mirror";
    case FillMode::scipy_constant: return "scipy_constant";
    case FillMode::scipy_wrap: return "scipy_wrap";
  }
  return "unknown";
}

const Painter* painter_of(const PlannedOperation& operation) {
  for (const Operation& known : operations()) {
    if (operation.kind != 0 && known.painter.kind == operation.kind) return &known.painter;
  }
  return nullptr;
}

// Without the zeros at the end that stand for nothing.
std::vector<float> values_of(const PlannedOperation& operation) {
  std::vector<float> values(operation.values.begin(), operation.values.end());
  while (!values.empty() && values.back() == 0) values.pop_back();
  return values;
}

Json operation_to_json(const PlannedOperation& operation) {
  Json json;
  if (const Painter* painter = painter_of(operation)) {
    json["name"] = painter->name;
  } else {
    json["kind"] = operation.kind;
  }
  json["values"] = values_of(operation);
  return json;
}

Json size_to_json(ImageSize size) { return {{"height", size.height}, {"width", size.width}}; }

}  // namespace

std::string to_json(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  Json json;
  json["source"] = size_to_json(plan.source);
  json["output"] = size_to_json(plan.output);
  json["source_from_output"] = {{map.xx, map.xy, map.xt}, {map.yx, map.yy, map.yt}};
  json["resize"] = name_of(plan.filter);
  json["fill_mode"] = name_of(plan.fill_mode);
  if (plan.fill_mode == FillMode::constant || plan.fill_mode == FillMode::scipy_constant) {
    json["fill_value"] = plan.fill_value;
  }
  json["region"] = {{"top", plan.region.top},
                    {"left", plan.region.left},
                    {"height", plan.region.height},
                    {"width", plan.region.width}};
  json["operations"] = Json::array();
  for (const PlannedOperation& operation : plan.operations()) {
    json["operations"].push_back(operation_to_json(operation));
  }
  return json.dump();
}

std::string to_words(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  // Of what the whole image would be on the output.
  const double width = static_cast<double>(plan.source.width) / plan.output.width;
  const double height = static_cast<double>(plan.source.height) / plan.output.height;
  const double xx = map.xx / width;
  const double yx = map.yx / height;
  const double xy = map.xy / width;
  const double yy = map.yy / height;
  const bool mirrored = xx * yy - xy * yx < 0;
  const double across = std::hypot(xx, yx);
  const double down = std::hypot(xy, yy);
  constexpr double degrees = 180 / std::numbers::pi;
  double angle = std::atan2(mirrored ? -yx : yx, mirrored ? -xx : xx) * degrees;
  // What is mirrored left to right and turned by about a half is mirrored top to bottom.
  const bool upside_down = mirrored && std::abs(angle) > 90;
  if (upside_down) angle -= std::copysign(180, angle);
  if (std::abs(angle) < 0.005) angle = 0;
  // By how much rows and columns lie off the right angle.
  const double shear = std::asin(std::clamp((xx * xy + yx * yy) / (across * down), -1.0, 1.0));
  const double x = (map.xx * plan.output.width + map.xy * plan.output.height) / 2 + map.xt;
  const double y = (map.yx * plan.output.width + map.yy * plan.output.height) / 2 + map.yt;

  std::vector<std::string> words;
  if (angle != 0) words.push_back(fmt::format("turned {:.1f} deg", angle));
  words.push_back(fmt::format("{:.2f} x {:.2f} of the image about {:.2f}, {:.2f}", across, down,
                              x / plan.source.width, y / plan.source.height));
  if (std::abs(shear * degrees) > 0.05) {
    words.push_back(fmt::format("sheared {:.1f} deg", shear * degrees));
  }
  if (mirrored) words.emplace_back(upside_down ? "mirrored top to bottom" : "mirrored");
  for (const PlannedOperation& operation : plan.operations()) {
    const Painter* painter = painter_of(operation);
    std::string text = painter != nullptr ? std::string(painter->name) : "unknown";
    for (const float value : values_of(operation)) {
      constexpr float least_seed = 65536;  // which tells a person nothing
      if (std::abs(value) < least_seed) text += fmt::format(" {:.3g}", value);
    }
    words.push_back(text);
  }
  return fmt::format("{}", fmt::join(words, "; "));
}

}  // namespace headrace
