#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/tensor.h"

namespace headrace::cpu {

// Where each parameter lies in a flat arena: the last layer's first, as gradients are made. Arenas
// of gradients and optimizer state are laid out alike. Places are multiples of 16 floats.
class ParameterArena {
 public:
  explicit ParameterArena(const Graph& graph);

  std::size_t size() const { return size_; }  // in floats
  // The place of a layer's parameter, counted as Layer::parameters() lists them.
  std::size_t place(Graph::LayerId layer, std::size_t parameter) const;

  // Parameters or state between an arena and named tensors ("conv2d/kernel" + suffix).
  std::vector<NamedTensor> read(const float* arena, const std::string& suffix = "") const;
  // Requires that fits() holds for the tensor.
  void write(const NamedTensor& tensor, std::size_t entry, float* arena) const;
  // Finds the entry of a name; throws Error{invalid_argument} naming the tensor if there is none,
  // or if its shape is another.
  std::size_t match(const NamedTensor& tensor, const std::string& name) const;
  const std::string& name(std::size_t entry) const { return entries_[entry].name; }
  std::size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::size_t place = 0;
    bool transposed = false;  // a Dense kernel lies as {units, elements}
  };
  std::vector<Entry> entries_;      // in the graph's order
  std::vector<std::size_t> first_;  // entry of each layer
  std::size_t size_ = 0;
};

}  // namespace headrace::cpu
