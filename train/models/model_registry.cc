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
  std::array<std::int64_t, 3> input;  // usually; 0: no axis
  int classes;
};

constexpr std::array models = {
    Model{"mnist_cnn", mnist_cnn, {28, 28, 1}, 10},
    Model{"global_max_cnn", global_max_cnn, {28, 28, 1}, 10},
    Model{"generator_cnn", generator_cnn, {128, 128, 3}, 10},
    Model{"mini_googlenet", mini_googlenet, {32, 32, 3}, 10},
    Model{"shared_lstm", shared_lstm, {140, 256, 0}, 2},
    Model{"resnet18", resnet18, {224, 224, 3}, 1000},
    Model{"resnet34", resnet34, {224, 224, 3}, 1000},
    Model{"resnet50", resnet50, {224, 224, 3}, 1000},
};

const Model& find_model(std::string_view name) {
  std::string known;
  for (const Model& model : models) {
    if (model.name == name) return model;
    known += " " + std::string(model.name);
  }
  throw Error(ErrorCode::invalid_argument,
              "there is no model \"" + std::string(name) + "\"; known:" + known);
}

}  // namespace

Graph make_model(std::string_view name, const Shape& input, int classes) {
  const Model& model = find_model(name);
  try {
    return model.make(input, classes);
  } catch (const Error& error) {
    throw error.with_context("model " + std::string(name));
  }
}

ModelUse usual_use(std::string_view name) {
  const Model& model = find_model(name);
  std::vector<std::int64_t> extents(model.input.begin(), model.input.end());
  if (extents.back() == 0) extents.pop_back();
  return {Shape(std::move(extents)), model.classes};
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Model& model : models) names.emplace_back(model.name);
  return names;
}

}  // namespace headrace
