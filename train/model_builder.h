#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/layer_options.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// Builds a graph as Keras' functional API does:
//
//   ModelBuilder b;
//   auto x = b.input({28, 28, 1});
//   x = b.conv2d(x, 32, 3, {.activation = "relu"});
//   x = b.max_pooling2d(x);
//   x = b.flatten(x);
//   x = b.dense(x, 10, {.activation = "softmax"});
//   Graph graph = b.build();
//
// An activation is a layer of its own, named after its layer: "conv2d_relu". All functions throw
// Error{invalid_argument} naming both layers if shapes do not fit, or for an unknown activation.
class ModelBuilder {
 public:
  // A value in the graph under construction.
  struct Value {
    Graph::NodeId node = -1;
  };
  // A layer to be used more than once, with one set of parameters. Must not outlive its builder.
  class SharedLayer {
   public:
    SharedLayer(SharedLayer&&) = default;
    SharedLayer& operator=(SharedLayer&&) = default;
    Value operator()(Value input) { return (*this)(std::vector{input}); }
    Value operator()(const std::vector<Value>& inputs);

   private:
    friend class ModelBuilder;
    SharedLayer(ModelBuilder& builder, std::shared_ptr<const Layer> layer, std::string name);
    ModelBuilder* builder_;
    std::shared_ptr<const Layer> layer_;
    std::string name_;
    Graph::LayerId id_ = -1;
  };

  Value input(Shape shape, std::string name = "image");

  Value conv2d(Value x, std::int64_t filters, Extent2 kernel_size,
               const Conv2DOptions& options = {});
  Value depthwise_conv2d(Value x, Extent2 kernel_size, const DepthwiseConv2DOptions& options = {});
  Value dense(Value x, std::int64_t units, const DenseOptions& options = {});
  Value lstm(Value x, std::int64_t units, const LSTMOptions& options = {});

  Value max_pooling2d(Value x, Extent2 pool_size = 2, const Pooling2DOptions& options = {});
  Value average_pooling2d(Value x, Extent2 pool_size = 2, const Pooling2DOptions& options = {});
  Value global_max_pooling2d(Value x, std::string name = "");
  Value global_average_pooling2d(Value x, std::string name = "");

  Value batch_normalization(Value x, const BatchNormalizationOptions& options = {});
  Value dropout(Value x, double rate, std::string name = "");

  Value activation(Value x, std::string_view function, std::string name = "");
  Value leaky_relu(Value x, double negative_slope = 0.3, std::string name = "");

  Value flatten(Value x, std::string name = "");
  Value reshape(Value x, std::vector<std::int64_t> target_shape, std::string name = "");
  Value zero_padding2d(Value x, Extent2 padding = 1, std::string name = "");

  Value add(Value a, Value b, std::string name = "") { return add({a, b}, std::move(name)); }
  Value add(const std::vector<Value>& inputs, std::string name = "");
  Value concatenate(const std::vector<Value>& inputs, std::int64_t axis = -1,
                    std::string name = "");

  // Any layer.
  Value add(std::shared_ptr<const Layer> layer, const std::vector<Value>& inputs,
            std::string name = "");
  SharedLayer shared(std::shared_ptr<const Layer> layer, std::string name = "");

  // Where what is added from now on is computed, as Keras' tf.device(): "cpu:1", "gpu:0". Without,
  // it is where the plan is. Throws Error{invalid_argument} if that is no device.
  void device(std::string_view name) { graph_.set_device(parse_device_id(name)); }
  // The same until the scope ends: { const auto scope = b.on("cpu:1"); ... }
  class DeviceScope {
   public:
    ~DeviceScope() { graph_.set_device(before_); }
    DeviceScope(const DeviceScope&) = delete;
    DeviceScope& operator=(const DeviceScope&) = delete;

   private:
    friend class ModelBuilder;
    DeviceScope(Graph& graph, DeviceId device) : graph_(graph), before_(graph.device()) {
      graph.set_device(device);
    }
    Graph& graph_;
    std::optional<DeviceId> before_;
  };
  [[nodiscard]] DeviceScope on(std::string_view name) { return {graph_, parse_device_id(name)}; }

  // The graph, ending in the last value added, or in `output`.
  const Graph& build() const { return graph_; }
  const Graph& build(Value output);

 private:
  Value activated(Value x, std::string_view function);

  Graph graph_;
};

}  // namespace headrace
