#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "headrace/augment/operation.h"
#include "headrace/augment/recipe.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

constexpr std::array output_types = {ElementType::u8, ElementType::f32, ElementType::f16,
                                     ElementType::bf16};

Json parse_object(std::string_view text) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& fault) {
    refuse(fmt::format("a recipe that is not JSON: {}", fault.what()));
  }
  if (!json.is_object()) refuse("a recipe that is not a JSON object");
  return json;
}

Json value_to_json(const ParameterValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

ParameterValue value_from_json(const Parameter& parameter, const Json& json) {
  ParameterValue value;
  if (json.is_boolean()) {
    value = json.get<bool>();
  } else if (json.is_number()) {
    value = json.get<double>();
  } else if (json.is_string()) {
    value = json.get<std::string>();
  } else if (json.is_array() &&
             std::all_of(json.begin(), json.end(), [](const Json& v) { return v.is_number(); })) {
    value = json.get<std::vector<double>>();
  } else {
    value = json.dump();
    if (parameter.kind == ParameterKind::choice) value = false;  // refused below, as any non-text
  }
  check_value(parameter, value);
  return value;
}

int extent_from_json(const Json& output, const char* key) {
  const auto found = output.find(key);
  if (found == output.end() || !found->is_number_integer() || found->get<std::int64_t>() <= 0 ||
      found->get<std::int64_t>() > (1 << 30)) {
    refuse(fmt::format("recipe: output.{} must be a positive whole number", key));
  }
  return found->get<int>();
}

Recipe recipe_of_output(const Json& output) {
  if (!output.is_object()) refuse("recipe: \"output\" must be an object");
  for (const auto& [key, value] : output.items()) {
    if (key != "height" && key != "width" && key != "channels" && key != "type") {
      refuse(
          fmt::format("recipe: output has no \"{}\"; it knows height, width, channels, type", key));
    }
  }
  ElementType type = ElementType::f32;
  if (const auto found = output.find("type"); found != output.end()) {
    const auto known = std::find_if(output_types.begin(), output_types.end(),
                                    [&](ElementType t) { return *found == to_string(t); });
    if (known == output_types.end()) {
      refuse(fmt::format("recipe: output.type {} will not do: give u8, f32, f16 or bf16",
                         found->dump()));
    }
    type = *known;
  }
  return Recipe({extent_from_json(output, "height"), extent_from_json(output, "width"),
                 extent_from_json(output, "channels")},
                type);
}

// One {"name": value} of the list "operations".
Recipe::Setting operation_from_json(const Json& entry) {
  if (!entry.is_object() || entry.size() != 1) {
    refuse("recipe: \"operations\" is a list of objects with one key each: {\"width_shift\": 0.1}");
  }
  const std::string& name = entry.begin().key();
  if (find_operation(name) == nullptr) {
    std::vector<std::string_view> known;
    for (const Operation& operation : operations()) known.push_back(operation.parameter.name);
    refuse(fmt::format("recipe: there is no operation \"{}\"; there are {}", name,
                       fmt::join(known, ", ")));
  }
  return {name, value_from_json(recipe_parameter(name), entry.begin().value())};
}

}  // namespace

std::string Recipe::to_json() const {
  Json json;
  json["output"] = {{"height", output_.height},
                    {"width", output_.width},
                    {"channels", output_.channels},
                    {"type", to_string(type_)}};
  if (!operations_.empty()) {
    Json& list = json["operations"] = Json::array();
    for (const auto& [name, value] : operations_) list.push_back({{name, value_to_json(value)}});
  }
  for (const auto& [name, value] : settings_) json[name] = value_to_json(value);
  return json.dump();
}

Recipe Recipe::from_json(std::string_view text) {
  const Json json = parse_object(text);
  const auto output = json.find("output");
  if (output == json.end()) refuse("a recipe without \"output\": give its height, width, channels");
  Recipe recipe = recipe_of_output(*output);
  recipe.update_from_json(text);
  return recipe;
}

Recipe& Recipe::update_from_json(std::string_view text) {
  const Json json = parse_object(text);
  Recipe changed = *this;
  for (const auto& [key, value] : json.items()) {
    if (key == "output") {
      const Recipe fresh = recipe_of_output(value);
      if (!(fresh.output_ == output_)) changed.mean_.clear();
      changed.output_ = fresh.output_;
      changed.type_ = fresh.type_;
    } else if (key == "operations") {
      if (!value.is_array()) refuse("recipe: \"operations\" must be a list");
      changed.operations_.clear();
      for (const Json& entry : value) {
        Setting setting = operation_from_json(entry);
        for (const Setting& other : changed.operations_) {
          if (other.first == setting.first) {
            refuse(fmt::format("recipe: operation \"{}\" is listed twice", setting.first));
          }
        }
        if (setting.second != recipe_parameter(setting.first).default_value) {
          changed.operations_.push_back(std::move(setting));
        }
      }
    } else {
      changed.set(key, value_from_json(recipe_parameter(key), value));
    }
  }
  *this = std::move(changed);
  return *this;
}

}  // namespace headrace
