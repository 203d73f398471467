#include "headrace/train/models/model_registry.h"

#include <array>

#include "headrace/pipeline/error.h"
#include "headrace/train/models/generator_cnn.h"
#include "headrace/train/models/global_max_cnn.h"
#include "headrace/train/models/mini_googlenet.h"
#include "headrace/train/models/mnist_cnn.h"
#include "headrace/train/models/resnet.h"
#include "headrace/train/models/shared_lstm.h"

namespace headrace {
namespace {

struct Model {
  std::string_view name;
  Graph (*make)(const Shape& input, int classes);
};

constexpr std::array models = {
    Model{"mnist_cnn", mnist_cnn},         Model{"global_max_cnn", global_max_cnn},
    Model{"generator_cnn", generator_cnn}, Model{"mini_googlenet", mini_googlenet},
    Model{"shared_lstm", shared_lstm},     Model{"resnet18", resnet18},
    Model{"resnet34", resnet34},           Model{"resnet50", resnet50},
};

}  // namespace

Graph make_model(std::string_view name, const Shape& input, int classes) {
  std::string known;
  for (const Model& model : models) {
    if (model.name == name) {
      try {
        return model.make(input, classes);
      } catch (const Error& error) {
        throw error.with_context("model " + std::string(name));
      }
    }
    known += " " + std::string(model.name);
  }
  throw Error(ErrorCode::invalid_argument,
              "there is no model \"" + std::string(name) + "\"; known:" + known);
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Model& model : models) names.emplace_back(model.name);
  return names;
}

}  // namespace headrace
