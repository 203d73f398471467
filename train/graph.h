#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/device_id.h"
#include "headrace/train/layer.h"
#include "headrace/train/shape.h"

namespace headrace {

// A model: a directed acyclic graph of layer descriptions, with no numbers in it. Nodes are stored
// in an order in which every node comes after its inputs.
class Graph {
 public:
  using NodeId = std::int32_t;
  using LayerId = std::int32_t;

  // A layer with its name; its parameters belong to it, however often it is used.
  struct LayerEntry {
    std::string name;  // unique; "conv2d", "conv2d_1", ... unless given
    std::shared_ptr<const Layer> layer;
    std::vector<ParameterSpec> parameters;
  };
  // One value: a model input (layer < 0), or one use of a layer.
  struct Node {
    LayerId layer = -1;
    std::vector<NodeId> inputs;
    Shape shape;
    std::string input_name;          // of a model input: the batch field that feeds it
    std::optional<DeviceId> device;  // that computes it; none: where the plan is
  };

  // An input of the model, fed by the batch field `name`.
  NodeId input(Shape shape, std::string name = "image");
  // Applies a new layer. Throws Error{invalid_argument} naming both layers if shapes do not fit.
  NodeId add(std::shared_ptr<const Layer> layer, std::vector<NodeId> inputs, std::string name = "");
  // Applies a layer that is already there once more: both uses share its parameters.
  NodeId add_shared(LayerId layer, std::vector<NodeId> inputs);
  // Where nodes added from now on are computed; none, as it begins: where the plan is.
  void set_device(std::optional<DeviceId> device) { device_ = device; }
  std::optional<DeviceId> device() const { return device_; }
  // Where a node is computed. An input has no device: who reads it gets it.
  void place(NodeId node, std::optional<DeviceId> device);
  // The model's output; by default the last node added.
  void set_output(NodeId node);

  NodeId output() const;
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<LayerEntry>& layers() const { return layers_; }
  const Shape& shape(NodeId node) const { return nodes_.at(static_cast<std::size_t>(node)).shape; }
  std::int64_t parameter_count() const;
  std::int64_t trainable_parameter_count() const;
  // Of one forward pass of one sample, of one node or of all: twice the multiply-adds.
  std::int64_t flops(NodeId node) const;
  std::int64_t flops() const;

  // A table of layers, output shapes, parameters and FLOPs, as Keras' model.summary(), with what
  // each is connected to and its device where that is not plain; below it the totals.
  std::string summary() const;

  std::string to_json() const;
  // Throws Error{corrupt_data} if the text is not a graph.
  static Graph from_json(std::string_view json);

 private:
  NodeId use(LayerId layer, std::vector<NodeId> inputs);

  std::vector<LayerEntry> layers_;
  std::vector<Node> nodes_;
  NodeId output_ = -1;
  std::optional<DeviceId> device_;
};

}  // namespace headrace
