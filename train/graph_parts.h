#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "headrace/train/device_id.h"
#include "headrace/train/graph.h"

namespace headrace {

// A value that one part makes and others read.
struct Crossing {
  Graph::NodeId node = -1;  // of the whole graph
  Shape shape;
  std::size_t maker = 0;             // part
  std::vector<std::size_t> readers;  // parts, in their order
  bool needs_gradient = false;       // something before it is trained
};

// What a device computes of a graph without waiting for another one.
struct GraphPart {
  DeviceId device;
  // Its inputs are the model's, by their names, and values of other parts. It ends in the model's
  // output, or in nothing that counts: then `outputs` are what it is for.
  Graph graph;
  std::vector<Graph::NodeId> origin;  // the whole graph's node, of each node
  // Nodes of `graph`, with which crossing they are.
  struct Port {
    Graph::NodeId node = -1;
    std::size_t crossing = 0;
  };
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  bool has_output = false;  // of the model
  std::string layers;       // for people: "lstm[1], lstm_tanh"
};

// A graph cut where a value goes from one device to another. Each part comes after those that it
// reads from; the last has the model's output. What does not lead to the output is left out.
struct GraphParts {
  std::vector<GraphPart> parts;
  std::vector<Crossing> crossings;
};
GraphParts cut(const Graph& graph, DeviceId usual = {});

}  // namespace headrace
