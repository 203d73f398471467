#include "headrace/train/model_builder.h"

#include <utility>

#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/layers/reshape.h"
#include "headrace/train/layers/zero_padding2d.h"

namespace headrace {

using Value = ModelBuilder::Value;

namespace {

std::vector<Graph::NodeId> nodes_of(const std::vector<Value>& values) {
  std::vector<Graph::NodeId> nodes;
  for (Value value : values) nodes.push_back(value.node);
  return nodes;
}

Extent2 strides_of(const Pooling2DOptions& options, Extent2 pool_size) {
  return options.strides == Extent2(0) ? pool_size : options.strides;
}

}  // namespace

ModelBuilder::SharedLayer::SharedLayer(ModelBuilder& builder, std::shared_ptr<const Layer> layer,
                                       std::string name)
    : builder_(&builder), layer_(std::move(layer)), name_(std::move(name)) {}

Value ModelBuilder::SharedLayer::operator()(const std::vector<Value>& inputs) {
  if (id_ < 0) {
    const Value output = builder_->add(layer_, inputs, name_);
    id_ = static_cast<Graph::LayerId>(builder_->graph_.layers().size() - 1);
    return output;
  }
  return {builder_->graph_.add_shared(id_, nodes_of(inputs))};
}

Value ModelBuilder::input(Shape shape, std::string name) {
  return {graph_.input(std::move(shape), std::move(name))};
}

Value ModelBuilder::add(std::shared_ptr<const Layer> layer, const std::vector<Value>& inputs,
                        std::string name) {
  return {graph_.add(std::move(layer), nodes_of(inputs), std::move(name))};
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
                                        options.use_bias, options.dilation_rate, options.groups,
                                        options.kernel_initializer);
  return activated(add(std::move(layer), {x}, options.name), options.activation);
}

Value ModelBuilder::depthwise_conv2d(Value x, Extent2 kernel_size,
                                     const DepthwiseConv2DOptions& options) {
  auto layer = std::make_shared<DepthwiseConv2D>(
      kernel_size, options.strides, options.padding, options.depth_multiplier, options.use_bias,
      options.dilation_rate, options.depthwise_initializer);
  return activated(add(std::move(layer), {x}, options.name), options.activation);
}

Value ModelBuilder::dense(Value x, std::int64_t units, const DenseOptions& options) {
  auto layer = std::make_shared<Dense>(units, options.use_bias, options.kernel_initializer);
  return activated(add(std::move(layer), {x}, options.name), options.activation);
}

Value ModelBuilder::lstm(Value x, std::int64_t units, const LSTMOptions& options) {
  auto layer = std::make_shared<LSTM>(units, options.return_sequences, options.use_bias,
                                      options.unit_forget_bias, options.kernel_initializer,
                                      options.recurrent_initializer);
  return add(std::move(layer), {x}, options.name);
}

Value ModelBuilder::max_pooling2d(Value x, Extent2 pool_size, const Pooling2DOptions& options) {
  return add(
      std::make_shared<MaxPooling2D>(pool_size, strides_of(options, pool_size), options.padding),
      {x}, options.name);
}

Value ModelBuilder::average_pooling2d(Value x, Extent2 pool_size, const Pooling2DOptions& options) {
  return add(std::make_shared<AveragePooling2D>(pool_size, strides_of(options, pool_size),
                                                options.padding),
             {x}, options.name);
}

Value ModelBuilder::global_max_pooling2d(Value x, std::string name) {
  return add(std::make_shared<GlobalMaxPooling2D>(), {x}, std::move(name));
}

Value ModelBuilder::global_average_pooling2d(Value x, std::string name) {
  return add(std::make_shared<GlobalAveragePooling2D>(), {x}, std::move(name));
}

Value ModelBuilder::batch_normalization(Value x, const BatchNormalizationOptions& options) {
  auto layer = std::make_shared<BatchNormalization>(
      options.momentum, options.epsilon, options.center, options.scale, options.synchronized,
      options.gamma_initializer);
  return add(std::move(layer), {x}, options.name);
}

Value ModelBuilder::dropout(Value x, double rate, std::string name) {
  return add(std::make_shared<Dropout>(rate), {x}, std::move(name));
}

Value ModelBuilder::activation(Value x, std::string_view function, std::string name) {
  return add(std::make_shared<Activation>(activation_of(function)), {x}, std::move(name));
}

Value ModelBuilder::leaky_relu(Value x, double negative_slope, std::string name) {
  return add(std::make_shared<LeakyReLU>(negative_slope), {x}, std::move(name));
}

Value ModelBuilder::flatten(Value x, std::string name) {
  return add(std::make_shared<Flatten>(), {x}, std::move(name));
}

Value ModelBuilder::reshape(Value x, std::vector<std::int64_t> target_shape, std::string name) {
  return add(std::make_shared<Reshape>(std::move(target_shape)), {x}, std::move(name));
}

Value ModelBuilder::zero_padding2d(Value x, Extent2 padding, std::string name) {
  return add(std::make_shared<ZeroPadding2D>(padding), {x}, std::move(name));
}

Value ModelBuilder::add(const std::vector<Value>& inputs, std::string name) {
  return add(std::make_shared<Add>(), inputs, std::move(name));
}

Value ModelBuilder::concatenate(const std::vector<Value>& inputs, std::int64_t axis,
                                std::string name) {
  return add(std::make_shared<Concatenate>(axis), inputs, std::move(name));
}

const Graph& ModelBuilder::build(Value output) {
  graph_.set_output(output.node);
  return graph_;
}

}  // namespace headrace
