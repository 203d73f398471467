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

// Of parameters that lie transposed; of others 0.
std::size_t transposed_rows(const Layer& layer, const Shape& shape, ParameterArena::Layout layout) {
  if (layout == ParameterArena::Layout::dense_by_unit) {
    return layer.kind() == "Dense" && shape.rank() == 2 ? static_cast<std::size_t>(shape[0]) : 0;
  }
  if (shape.rank() != 4) return 0;
  // Filters of a depthwise kernel are its last two extents.
  const std::int64_t pixels = shape[0] * shape[1];
  return static_cast<std::size_t>(layer.kind() == "DepthwiseConv2D" ? pixels : pixels * shape[2]);
}

}  // namespace

ParameterArena::ParameterArena(const Graph& graph, Layout layout) {
  for (const auto& layer : graph.layers()) {
    first_.push_back(entries_.size());
    for (const ParameterSpec& spec : layer.parameters) {
      entries_.push_back({layer.name + "/" + spec.name, spec.shape, 0, spec.trainable,
                          transposed_rows(*layer.layer, spec.shape, layout)});
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
    if (entry.transposed_rows > 0) {
      transpose(from, tensor.values.size() / entry.transposed_rows, entry.transposed_rows,
                tensor.values.data());
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
  if (entry.transposed_rows > 0) {
    transpose(tensor.values.data(), entry.transposed_rows,
              tensor.values.size() / entry.transposed_rows, to);
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

void ParameterArena::write_all(std::span<const NamedTensor> tensors,
                               const std::vector<std::string>& suffixes,
                               const std::vector<float*>& arenas) const {
  struct Target {
    std::size_t entry;
    std::size_t arena;
  };
  std::vector<Target> targets;
  std::vector<bool> given(entries() * suffixes.size());
  for (const NamedTensor& tensor : tensors) {
    std::size_t arena = 0;
    std::string parameter = tensor.name;
    for (std::size_t i = 0; i < suffixes.size(); ++i) {
      if (suffixes[i].empty() || !tensor.name.ends_with(suffixes[i])) continue;
      arena = i;
      parameter = tensor.name.substr(0, tensor.name.size() - suffixes[i].size());
    }
    if (suffixes.empty() || (!suffixes[arena].empty() && parameter.size() == tensor.name.size())) {
      throw Error(ErrorCode::invalid_argument, "the optimizer keeps no state " + tensor.name +
                                                   ": it belongs to another optimizer");
    }
    const std::size_t entry = match(tensor, parameter);
    if (!suffixes[0].empty() && !is_trainable(entry)) {
      throw Error(ErrorCode::invalid_argument, "the optimizer keeps no state " + tensor.name +
                                                   ": that parameter is not trained");
    }
    targets.push_back({entry, arena});
    given[entry * suffixes.size() + arena] = true;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::size_t entry = i / suffixes.size();
    const bool has_state = suffixes[0].empty() || is_trainable(entry);
    if (given[i] || !has_state) continue;
    throw Error(ErrorCode::invalid_argument,
                "no values are given for " + name(entry) + suffixes[i % suffixes.size()]);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    write(tensors[i], targets[i].entry, arenas[targets[i].arena]);
  }
}

}  // namespace headrace::cpu
