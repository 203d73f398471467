#include "headrace/augment/plan_text.h"

#include <nlohmann/json.hpp>

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Filter filter) {
  switch (filter) {
    case Filter::nearest: return "nearest";
    case Filter::linear: return "linear";
    case Filter::triangle: return "antialias";
    case Filter::box: return "box";
  }
  return "unknown";
}

const char* name_of(FillMode mode) {
  switch (mode) {
    case FillMode::constant: return "constant";
    case FillMode::nearest: return "nearest";
    case FillMode::reflect: return "reflect";
    case FillMode::wrap: return "wrap";
  }
  return "unknown";
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
  if (plan.fill_mode == FillMode::constant) json["fill_value"] = plan.fill_value;
  json["region"] = {{"top", plan.region.top},
                    {"left", plan.region.left},
                    {"height", plan.region.height},
                    {"width", plan.region.width}};
  json["operations"] = Json::array();
  for (const PlannedOperation& operation : plan.operations()) {
    json["operations"].push_back({{"kind", operation.kind}, {"values", operation.values}});
  }
  return json.dump();
}

}  // namespace headrace
