#include "headrace/cli/weights_file.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/initial_parameters.h"

namespace headrace::cli {
namespace {

using Stored = KerasFile::Layer;

// As Keras does: BatchNormalization is batch_normalization, Conv2D is conv2d.
std::string snake_case(std::string_view kind) {
  const auto upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  const auto lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  std::string name;
  for (std::size_t at = 0; at < kind.size(); ++at) {
    if (at > 0 && upper(kind[at]) && lower(kind[at - 1])) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(kind[at])));
  }
  return name;
}

// A layer of the graph that has parameters, and which of its class it is.
struct Wanted {
  const Graph::LayerEntry* entry = nullptr;
  std::string position;
};

std::vector<Wanted> wanted_by(const Graph& graph) {
  std::map<std::string, int> counts;
  std::vector<Wanted> wanted;
  for (const Graph::LayerEntry& entry : graph.layers()) {
    std::string position = snake_case(entry.layer->kind());
    if (const int number = counts[position]++; number > 0) position += fmt::format("_{}", number);
    if (!entry.parameters.empty()) wanted.push_back({&entry, std::move(position)});
  }
  return wanted;
}

bool names_agree(const std::vector<Wanted>& wanted, const std::vector<Stored>& stored) {
  std::set<std::string_view> of_file, of_model;
  for (const Stored& layer : stored) of_file.insert(layer.name);
  for (const Wanted& layer : wanted) of_model.insert(layer.entry->name);
  if (of_file.count("") > 0 || of_file.size() != stored.size()) return false;
  return std::includes(of_file.begin(), of_file.end(), of_model.begin(), of_model.end()) ||
         std::includes(of_model.begin(), of_model.end(), of_file.begin(), of_file.end());
}

// For each layer of the model the one of the file, or null.
std::vector<const Stored*> pairs_of(const std::vector<Wanted>& wanted,
                                    const std::vector<Stored>& stored) {
  const bool by_name = names_agree(wanted, stored);
  const bool by_position = std::all_of(stored.begin(), stored.end(),
                                       [](const Stored& s) { return !s.position.empty(); });
  std::map<std::string_view, const Stored*> known;
  for (const Stored& layer : stored) known[by_name ? layer.name : layer.position] = &layer;
  std::vector<const Stored*> pairs;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!by_name && !by_position) {
      pairs.push_back(stored.size() == wanted.size() ? &stored[i] : nullptr);
      continue;
    }
    const auto found = known.find(by_name ? wanted[i].entry->name : wanted[i].position);
    pairs.push_back(found == known.end() ? nullptr : found->second);
  }
  return pairs;
}

std::string title_of(const Stored& layer) {
  return layer.name.empty() ? layer.position : layer.name;
}

// Why a layer's weights do not fit; "" if they do.
std::string mismatch(const Graph::LayerEntry& entry, const Stored& stored) {
  if (stored.tensors.size() != entry.parameters.size()) {
    return fmt::format("layer {} has {} weights, {} of the file {}", entry.name,
                       entry.parameters.size(), title_of(stored), stored.tensors.size());
  }
  for (std::size_t i = 0; i < stored.tensors.size(); ++i) {
    const ParameterSpec& parameter = entry.parameters[i];
    const Shape shape(stored.tensors[i].shape);
    if (shape == parameter.shape) continue;
    return fmt::format("layer {} has {} {}, {} of the file {}", entry.name, parameter.name,
                       parameter.shape.to_string(), title_of(stored), shape.to_string());
  }
  return "";
}

std::string some_of(const std::vector<std::string>& all) {
  constexpr std::ptrdiff_t most = 8;
  const auto count = static_cast<std::ptrdiff_t>(all.size());
  std::string text =
      fmt::format("{}", fmt::join(all.begin(), all.begin() + std::min(count, most), "; "));
  if (count > most) text += fmt::format("; and {} more", count - most);
  return text;
}

bool ends_with_any(const std::string& path, std::initializer_list<std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](std::string_view suffix) { return path.ends_with(suffix); });
}

// The parameters of a checkpoint by layer: "conv2d/kernel" is of conv2d.
std::vector<Stored> layers_of(const Checkpoint& checkpoint) {
  std::vector<Stored> layers;
  for (const Graph::LayerEntry& entry : checkpoint.graph.layers()) {
    Stored layer{.name = entry.name, .position = {}, .tensors = {}};
    for (const ParameterSpec& parameter : entry.parameters) {
      const std::string name = entry.name + "/" + parameter.name;
      const auto found = std::find_if(checkpoint.parameters.begin(), checkpoint.parameters.end(),
                                      [&](const NamedTensor& t) { return t.name == name; });
      if (found == checkpoint.parameters.end()) continue;
      layer.tensors.push_back({parameter.name, found->shape.extents(), found->values});
    }
    if (!layer.tensors.empty()) layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace

void WeightsOptions::add_to(CLI::App& command, const std::string& group) {
  command
      .add_option("--weights", file,
                  "Begin with the weights of a file, which Keras (.weights.h5, .h5, .keras) or "
                  "Headrace (.safetensors) has written; none: with random ones, where --model is a "
                  "file with weights of its own, which are taken otherwise")
      ->type_name("FILE")
      ->group(group);
  command
      .add_flag("--skip-mismatch", skip_mismatch,
                "Of the weights that a file has, take those that fit; other layers begin with "
                "random ones, and are named")
      ->group(group);
}

std::string WeightsOptions::choice(const std::string& model) const {
  if (file == "none") return "";
  return file.empty() && is_keras_file(model) ? model : file;
}

bool is_keras_file(const std::string& path) {
  return ends_with_any(path, {".keras", ".h5", ".hdf5"});
}

JoinedWeights join_weights(const Graph& graph, const std::vector<KerasFile::Layer>& stored,
                           std::uint64_t seed, bool skip_mismatch) {
  const std::vector<Wanted> wanted = wanted_by(graph);
  const std::vector<const Stored*> pairs = pairs_of(wanted, stored);
  JoinedWeights joined;
  joined.parameters = initial_parameters(graph, seed);
  auto next = joined.parameters.begin();  // in the order of layers
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Graph::LayerEntry& entry = *wanted[i].entry;
    const auto first = next;
    next += static_cast<std::ptrdiff_t>(entry.parameters.size());
    std::string why = pairs[i] == nullptr ? fmt::format("the file has nothing for layer {} ({})",
                                                        entry.name, entry.layer->kind())
                                          : mismatch(entry, *pairs[i]);
    if (!why.empty()) {
      joined.left_out.push_back(std::move(why));
      continue;
    }
    for (std::size_t p = 0; p < entry.parameters.size(); ++p) {
      (first + static_cast<std::ptrdiff_t>(p))->values = pairs[i]->tensors[p].values;
    }
    ++joined.layers;
  }
  for (const Stored& layer : stored) {
    if (std::find(pairs.begin(), pairs.end(), &layer) != pairs.end()) continue;
    joined.left_out.push_back(
        fmt::format("the model has no layer for {} of the file", title_of(layer)));
  }
  if (!joined.left_out.empty() && (!skip_mismatch || joined.layers == 0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the weights do not fit the model: {}{}", some_of(joined.left_out),
                            skip_mismatch ? "" : " (--skip-mismatch takes what fits)"));
  }
  return joined;
}

JoinedWeights load_weights(const std::string& path, const Graph& graph, std::uint64_t seed,
                           bool skip_mismatch) {
  const std::vector<Stored> stored = path.ends_with(".safetensors")
                                         ? layers_of(load_checkpoint(path))
                                         : read_keras_file(path).layers;
  try {
    return join_weights(graph, stored, seed, skip_mismatch);
  } catch (const Error& error) {
    throw error.with_context(path);
  }
}

}  // namespace headrace::cli
