#include "headrace/train/keras_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/activation.h"

namespace headrace::keras {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::unsupported, what); }

struct Neutral {
  std::string_view name;
  const char* value;  // the only one that may be; null: any
};

// What a layer says beside what Headrace reads: without effect, or with none at these values.
constexpr std::array neutral = {
    Neutral{"name", nullptr},
    Neutral{"trainable", "true"},
    Neutral{"dtype", nullptr},  // looked at on its own
    Neutral{"data_format", "\"channels_last\""},
    Neutral{"batch_input_shape", nullptr},
    Neutral{"bias_initializer", "\"zeros\""},
    Neutral{"beta_initializer", "\"zeros\""},
    Neutral{"moving_mean_initializer", "\"zeros\""},
    Neutral{"moving_variance_initializer", "\"ones\""},
    Neutral{"renorm", "false"},
    Neutral{"renorm_momentum", nullptr},
    Neutral{"fused", nullptr},
    Neutral{"keepdims", "false"},
    Neutral{"seed", nullptr},
    Neutral{"recurrent_activation", "\"sigmoid\""},
    Neutral{"return_state", "false"},
    Neutral{"go_backwards", "false"},
    Neutral{"stateful", "false"},
    Neutral{"time_major", "false"},
    Neutral{"dropout", "0"},
    Neutral{"recurrent_dropout", "0"},
    Neutral{"unroll", nullptr},
    Neutral{"implementation", nullptr},
    Neutral{"zero_output_for_mask", nullptr},
    Neutral{"use_cudnn", nullptr},
};

// {"class_name": "HeNormal", ...}, its text here, and whether it has a configuration to look at.
struct NamedInitializer {
  std::string_view class_name;
  std::string_view text;
};
constexpr std::array initializers = {
    NamedInitializer{"Zeros", "zeros"},
    NamedInitializer{"Ones", "ones"},
    NamedInitializer{"GlorotUniform", "glorot_uniform"},
    NamedInitializer{"GlorotNormal", "glorot_normal"},
    NamedInitializer{"HeUniform", "he_uniform"},
    NamedInitializer{"HeNormal", "he_normal"},
    NamedInitializer{"LecunUniform", "lecun_uniform"},
    NamedInitializer{"LecunNormal", "lecun_normal"},
    NamedInitializer{"Orthogonal", "orthogonal"},
    NamedInitializer{"OrthogonalInitializer", "orthogonal"},
};

std::string initializer_text(const std::string& attribute, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto class_name = value.at("class_name").get<std::string>();
  const Json& config = value.at("config");
  if (class_name == "VarianceScaling") {
    return fmt::format("variance_scaling({}, {}, {})", config.at("scale").get<double>(),
                       config.at("mode").get<std::string>(),
                       config.at("distribution").get<std::string>());
  }
  if (config.value("gain", 1.0) != 1.0) {
    refuse(fmt::format("{} is orthogonal with a gain of {}; 1 is supported", attribute,
                       config.at("gain").get<double>()));
  }
  std::string known;
  for (const NamedInitializer& named : initializers) {
    if (named.class_name == class_name) return std::string(named.text);
    known += std::string(named.class_name) + ", ";
  }
  refuse(fmt::format("{} is {}; supported: {}VarianceScaling", attribute, class_name, known));
}

bool is_initializer(const std::string& attribute) { return attribute.ends_with("_initializer"); }

// Whether the attribute is one of those that have no effect; refuses a value that has one.
bool is_neutral(const std::string& attribute, const Json& value) {
  const auto* const known =
      std::find_if(neutral.begin(), neutral.end(),
                   [&](const Neutral& candidate) { return candidate.name == attribute; });
  if (known == neutral.end()) return false;
  if (known->value == nullptr) return true;
  const Json given = is_initializer(attribute) ? Json(initializer_text(attribute, value)) : value;
  if (given != Json::parse(known->value)) {
    refuse(fmt::format("{} is {}; only {} is supported", attribute, given.dump(), known->value));
  }
  return true;
}

void append_integers(const Json& value, std::vector<std::int64_t>& list) {
  if (value.is_array()) {
    for (const Json& part : value) append_integers(part, list);
  } else {
    list.push_back(value.get<std::int64_t>());
  }
}

AttributeValue attribute_from(const std::string& name, const Json& value) {
  if (is_initializer(name)) return initializer_text(name, value);
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::vector<std::int64_t> list;
    append_integers(value, list);  // {{top, bottom}, {left, right}} too
    return list;
  }
  refuse(fmt::format("{} is {}, which is not supported", name, value.dump()));
}

// "relu", or a registered function, or a layer used as one.
std::shared_ptr<const Layer> activation_from(const Json& value, std::size_t axes) {
  if (value.is_object() && value.at("config").is_object()) {
    return layer_from(value.at("class_name").get<std::string>(), value.at("config"), axes).layer;
  }
  const Json& text = value.is_object() ? value.at("config") : value;
  const ActivationKind kind = activation_of(text.get<std::string>());
  return kind == ActivationKind::linear ? nullptr : std::make_shared<Activation>(kind);
}

// An axis as Keras 2 may have it, [3], and the last one by its number: both are -1.
Json last_axis(const Json& value, std::size_t axes) {
  const Json& axis = value.is_array() && value.size() == 1 ? value[0] : value;
  return axis == Json(axes - 1) ? Json(-1) : axis;
}

struct Rewritten {
  std::string class_name;
  Json config;
};

// Layers that are called otherwise here.
Rewritten rewritten(const std::string& class_name, Json config, std::size_t axes) {
  if (class_name == "LeakyReLU" && config.contains("alpha")) {
    config["negative_slope"] = config["alpha"];
    config.erase("alpha");
  } else if (class_name == "BatchNormalization" && config.contains("axis")) {
    config["axis"] = last_axis(config["axis"], axes);
  } else if (class_name == "DepthwiseConv2D" && config.value("groups", 1) == 1) {
    config.erase("groups");
  } else if (class_name == "Softmax") {
    if (last_axis(config.value("axis", Json(-1)), axes) != Json(-1)) {
      refuse("a softmax over another axis than the last is not supported");
    }
    return {"Activation", {{"activation", "softmax"}}};
  } else if (class_name == "ReLU") {
    if (!config.value("max_value", Json()).is_null() || config.value("threshold", 0.0) != 0) {
      refuse("max_value and threshold are not supported");
    }
    const double slope = config.value("negative_slope", 0.0);
    if (slope != 0) return {"LeakyReLU", {{"negative_slope", slope}}};
    return {"Activation", {{"activation", "relu"}}};
  }
  return {class_name, std::move(config)};
}

}  // namespace

void require_float32(const Json& config) {
  const Json dtype = config.value("dtype", Json());
  const Json name = dtype.is_object() ? dtype.at("config").value("name", Json()) : dtype;
  if (name.is_null() || name == "float32") return;
  refuse(
      fmt::format("dtype {} is not supported, float32 is: the precision of training is an "
                  "option of training",
                  name.dump()));
}

LayerAndActivation layer_from(const std::string& class_name, const Json& config, std::size_t axes) {
  require_float32(config);
  const Rewritten what = rewritten(class_name, config, axes);
  LayerAndActivation made;
  Attributes attributes;
  for (const auto& [name, value] : what.config.items()) {
    if (value.is_null() || is_neutral(name, value)) continue;
    if (name != "activation" || what.class_name == "Activation") {
      attributes[name] = attribute_from(name, value);
    } else if (what.class_name != "LSTM") {
      made.activation = activation_from(value, axes);
    } else if (value != "tanh") {
      refuse(fmt::format("activation is {}; only \"tanh\" is supported", value.dump()));
    }
  }
  made.layer = make_layer(what.class_name, attributes);
  return made;
}

Json config_of(const Layer& layer, const std::string& name) {
  Json config = {{"name", name}, {"trainable", true}, {"dtype", "float32"}};
  for (const auto& [key, value] : layer.attributes()) {
    config[key] = std::visit([](const auto& held) { return Json(held); }, value);
    if (!is_initializer(key)) continue;
    const Initializer initializer = Initializer::of(config[key].get<std::string>());
    if (!initializer.name().starts_with("variance_scaling")) continue;
    const std::string text = initializer.name();
    const std::size_t mode = text.find(", ") + 2, distribution = text.find(", ", mode) + 2;
    config[key] = {{"module", "keras.initializers"},
                   {"class_name", "VarianceScaling"},
                   {"config",
                    {{"scale", initializer.scale},
                     {"mode", text.substr(mode, distribution - 2 - mode)},
                     {"distribution", text.substr(distribution, text.size() - 1 - distribution)}}},
                   {"registered_name", nullptr}};
  }
  if (layer.kind() == "ZeroPadding2D") {
    const std::vector<int> sides = config.at("padding");
    config["padding"] = {{sides[0], sides[1]}, {sides[2], sides[3]}};
  }
  constexpr std::array without_format = {"Activation",  "Add",       "BatchNormalization",
                                         "Concatenate", "Dense",     "Dropout",
                                         "LSTM",        "LeakyReLU", "Reshape"};
  if (std::find(without_format.begin(), without_format.end(), layer.kind()) ==
      without_format.end()) {
    config["data_format"] = "channels_last";
  }
  return config;
}

}  // namespace headrace::keras
