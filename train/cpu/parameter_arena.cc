#include "headrace/train/cpu/parameter_arena.h"

#include <algorithm>

#include "headrace/pipeline/error.h"

namespace headrace::cpu {
namespace {

void transpose(const float* from, std::size_t rows, std::size_t columns, float* to) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      to[column * rows + row] = from[row * columns + column];
    }
  }
}

}  // namespace

ParameterArena::ParameterArena(const Graph& graph) {
  for (const auto& layer : graph.layers()) {
    first_.push_back(entries_.size());
    for (const ParameterSpec& spec : layer.parameters) {
      const bool transposed = layer.layer->kind() == "Dense" && spec.shape.rank() == 2;
      entries_.push_back({layer.name + "/" + spec.name, spec.shape, 0, spec.trainable, transposed});
    }
  }
  const auto take = [](Entry& entry, std::size_t& size) {
    entry.place = size;
    size += (static_cast<std::size_t>(entry.shape.elements()) + 15) / 16 * 16;
  };
  ends_.resize(first_.size() + 1);
  std::size_t entry = entries_.size();
  for (std::size_t layer = first_.size(); layer-- > 0;) {
    for (; entry > first_[layer]; --entry) {
      if (entries_[entry - 1].trainable) take(entries_[entry - 1], size_);
    }
    ends_[layer] = size_;
  }
  size_of_all_ = size_;
  for (Entry& one : entries_) {
    if (!one.trainable) take(one, size_of_all_);
  }
}

std::size_t ParameterArena::place(Graph::LayerId layer, std::size_t parameter) const {
  return entries_[first_[static_cast<std::size_t>(layer)] + parameter].place;
}

std::vector<NamedTensor> ParameterArena::read(const float* arena, const std::string& suffix) const {
  std::vector<NamedTensor> tensors;
  for (const Entry& entry : entries_) {
    if (!suffix.empty() && !entry.trainable) continue;
    NamedTensor tensor{entry.name + suffix, entry.shape, {}};
    tensor.values.resize(static_cast<std::size_t>(entry.shape.elements()));
    const float* from = arena + entry.place;
    if (entry.transposed) {
      transpose(from, static_cast<std::size_t>(entry.shape[1]),
                static_cast<std::size_t>(entry.shape[0]), tensor.values.data());
    } else {
      std::copy_n(from, tensor.values.size(), tensor.values.begin());
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

void ParameterArena::write(const NamedTensor& tensor, std::size_t index, float* arena) const {
  const Entry& entry = entries_[index];
  float* to = arena + entry.place;
  if (entry.transposed) {
    transpose(tensor.values.data(), static_cast<std::size_t>(entry.shape[0]),
              static_cast<std::size_t>(entry.shape[1]), to);
  } else {
    std::copy(tensor.values.begin(), tensor.values.end(), to);
  }
}

std::size_t ParameterArena::match(const NamedTensor& tensor, const std::string& name) const {
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    if (entry.name != name) continue;
    if (tensor.shape != entry.shape ||
        tensor.values.size() != static_cast<std::size_t>(entry.shape.elements())) {
      throw Error(ErrorCode::invalid_argument,
                  tensor.name + " is " + tensor.shape.to_string() + ", but the model has " +
                      entry.shape.to_string() + ": it belongs to another model");
    }
    return index;
  }
  throw Error(ErrorCode::invalid_argument, "the model has no parameter for " + tensor.name);
}

}  // namespace headrace::cpu
