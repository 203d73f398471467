#include "headrace/train/model_builder.h"

#include <utility>

#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/max_pooling2d.h"

namespace headrace {

using Value = ModelBuilder::Value;

ModelBuilder::SharedLayer::SharedLayer(ModelBuilder& builder, std::shared_ptr<const Layer> layer,
                                       std::string name)
    : builder_(&builder), layer_(std::move(layer)), name_(std::move(name)) {}

Value ModelBuilder::SharedLayer::operator()(Value input) {
  Graph& graph = builder_->graph_;
  if (id_ >= 0) return {graph.add_shared(id_, {input.node})};
  const Value output{graph.add(layer_, {input.node}, name_)};
  id_ = static_cast<Graph::LayerId>(graph.layers().size() - 1);
  return output;
}

Value ModelBuilder::input(Shape shape, std::string name) {
  return {graph_.input(std::move(shape), std::move(name))};
}

Value ModelBuilder::add(std::shared_ptr<const Layer> layer, std::vector<Value> inputs,
                        std::string name) {
  std::vector<Graph::NodeId> nodes;
  for (Value input : inputs) nodes.push_back(input.node);
  return {graph_.add(std::move(layer), std::move(nodes), std::move(name))};
}

ModelBuilder::SharedLayer ModelBuilder::shared(std::shared_ptr<const Layer> layer,
                                               std::string name) {
  return SharedLayer(*this, std::move(layer), std::move(name));
}

Value ModelBuilder::activated(Value x, std::string_view function) {
  if (function.empty()) return x;
  const std::string& layer = graph_.layers().back().name;
  return activation(x, function, layer + "_" + std::string(function));
}

Value ModelBuilder::conv2d(Value x, std::int64_t filters, Extent2 kernel_size,
                           const Conv2DOptions& options) {
  auto layer = std::make_shared<Conv2D>(filters, kernel_size, options.strides, options.padding,
                                        options.use_bias);
  return activated(add(std::move(layer), {x}, options.name), options.activation);
}

Value ModelBuilder::max_pooling2d(Value x, Extent2 pool_size, const MaxPooling2DOptions& options) {
  const Extent2 strides = options.strides == Extent2(0) ? pool_size : options.strides;
  return add(std::make_shared<MaxPooling2D>(pool_size, strides, options.padding), {x},
             options.name);
}

Value ModelBuilder::dense(Value x, std::int64_t units, const DenseOptions& options) {
  auto layer = std::make_shared<Dense>(units, options.use_bias);
  return activated(add(std::move(layer), {x}, options.name), options.activation);
}

Value ModelBuilder::activation(Value x, std::string_view function, std::string name) {
  return add(std::make_shared<Activation>(activation_of(function)), {x}, std::move(name));
}

Value ModelBuilder::flatten(Value x, std::string name) {
  return add(std::make_shared<Flatten>(), {x}, std::move(name));
}

Value ModelBuilder::dropout(Value x, double rate, std::string name) {
  return add(std::make_shared<Dropout>(rate), {x}, std::move(name));
}

const Graph& ModelBuilder::build(Value output) {
  graph_.set_output(output.node);
  return graph_;
}

}  // namespace headrace
