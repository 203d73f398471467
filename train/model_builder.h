#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/graph.h"
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
    Value operator()(Value input);

   private:
    friend class ModelBuilder;
    SharedLayer(ModelBuilder& builder, std::shared_ptr<const Layer> layer, std::string name);
    ModelBuilder* builder_;
    std::shared_ptr<const Layer> layer_;
    std::string name_;
    Graph::LayerId id_ = -1;
  };

  struct Conv2DOptions {
    Extent2 strides = 1;
    Padding padding = Padding::valid;
    std::string_view activation = {};
    bool use_bias = true;
    std::string name = {};
  };
  struct MaxPooling2DOptions {
    Extent2 strides = 0;  // 0: as the pool size
    Padding padding = Padding::valid;
    std::string name = {};
  };
  struct DenseOptions {
    std::string_view activation = {};
    bool use_bias = true;
    std::string name = {};
  };

  Value input(Shape shape, std::string name = "image");
  Value conv2d(Value x, std::int64_t filters, Extent2 kernel_size) {
    return conv2d(x, filters, kernel_size, {});
  }
  Value conv2d(Value x, std::int64_t filters, Extent2 kernel_size, const Conv2DOptions& options);
  Value max_pooling2d(Value x, Extent2 pool_size = 2) { return max_pooling2d(x, pool_size, {}); }
  Value max_pooling2d(Value x, Extent2 pool_size, const MaxPooling2DOptions& options);
  Value dense(Value x, std::int64_t units) { return dense(x, units, {}); }
  Value dense(Value x, std::int64_t units, const DenseOptions& options);
  Value activation(Value x, std::string_view function, std::string name = "");
  Value flatten(Value x, std::string name = "");
  Value dropout(Value x, double rate, std::string name = "");
  // Any layer.
  Value add(std::shared_ptr<const Layer> layer, std::vector<Value> inputs, std::string name = "");
  SharedLayer shared(std::shared_ptr<const Layer> layer, std::string name = "");

  // The graph, ending in the last value added, or in `output`.
  const Graph& build() const { return graph_; }
  const Graph& build(Value output);

 private:
  Value activated(Value x, std::string_view function);

  Graph graph_;
};

}  // namespace headrace
