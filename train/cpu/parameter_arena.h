#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/tensor.h"

namespace headrace::cpu {

// Where each parameter lies in a flat arena: the last layer's first, as gradients are made. Arenas
// of gradients and optimizer state are laid out alike; behind, in that of the parameters alone, lie
// those that are not trainable. Places are multiples of 16 floats.
class ParameterArena {
 public:
  // Which kernels lie transposed: those of Dense as {units, elements}, for products on a CPU, or
  // those of convolutions as {filters, height, width, channels}, for libraries on a GPU.
  enum class Layout : std::uint8_t { dense_by_unit, images_by_filter };
  explicit ParameterArena(const Graph& graph, Layout layout = Layout::dense_by_unit);

  std::size_t size() const { return size_; }  // in floats
  std::size_t size_of_all() const { return size_of_all_; }
  // The place of a layer's parameter, counted as Layer::parameters() lists them.
  std::size_t place(Graph::LayerId layer, std::size_t parameter) const;

  // The arena's first floats are the parameters of the layers from this one on.
  std::size_t end(Graph::LayerId layer) const { return ends_[static_cast<std::size_t>(layer)]; }
  Graph::LayerId layers() const { return static_cast<Graph::LayerId>(first_.size()); }

  // Parameters or state between an arena and named tensors ("conv2d/kernel" + suffix); with a
  // suffix, of the trainable ones.
  std::vector<NamedTensor> read(const float* arena, const std::string& suffix = "") const;
  // Writes each tensor, named "parameter" + suffix, into the arena of its suffix: all parameters if
  // the one suffix is "", else all that are trainable. All are looked at before any is written.
  // Throws Error{invalid_argument} naming the tensor if one is missing, unknown or misshapen.
  void write_all(std::span<const NamedTensor> tensors, const std::vector<std::string>& suffixes,
                 const std::vector<float*>& arenas) const;
  // Requires that match() takes the tensor.
  void write(const NamedTensor& tensor, std::size_t entry, float* arena) const;
  // Finds the entry of a name; throws Error{invalid_argument} naming the tensor if there is none,
  // or if its shape is another.
  std::size_t match(const NamedTensor& tensor, const std::string& name) const;
  const std::string& name(std::size_t entry) const { return entries_[entry].name; }
  bool is_trainable(std::size_t entry) const { return entries_[entry].trainable; }
  std::size_t entries() const { return entries_.size(); }
  std::size_t place_of(std::size_t entry) const { return entries_[entry].place; }
  std::size_t elements(std::size_t entry) const {
    return static_cast<std::size_t>(entries_[entry].shape.elements());
  }

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::size_t place = 0;
    bool trainable = true;
    // Not 0: it lies transposed, and this is its first extent as a matrix in Keras' layout.
    std::size_t transposed_rows = 0;
  };
  std::vector<Entry> entries_;      // in the graph's order
  std::vector<std::size_t> first_;  // entry of each layer
  std::vector<std::size_t> ends_;   // of each layer; one more, which is 0
  std::size_t size_ = 0;
  std::size_t size_of_all_ = 0;
};

}  // namespace headrace::cpu
