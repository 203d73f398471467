#include "headrace/train/checkpoint.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/safetensors.h"
#include "headrace/train/training_state_json.h"

namespace headrace {
namespace {

using Json = nlohmann::json;

constexpr std::string_view version = "1";

// Entries of the file's metadata, and what tensors that are no parameters have before their names.
constexpr const char* version_key = "headrace_checkpoint";
constexpr const char* graph_key = "graph";
constexpr const char* loss_key = "loss";
constexpr const char* classes_key = "classes";
constexpr const char* training_key = "training";
constexpr std::string_view extra_prefix = "extra/";
constexpr std::string_view optimizer_prefix = "optimizer/";
constexpr std::string_view callback_prefix = "callback/";

const std::string& entry(const TensorFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) {
    throw Error(ErrorCode::corrupt_data, std::string("no Headrace checkpoint: it holds no '") +
                                             key + "' entry beside its tensors");
  }
  return found->second;
}

void check_version(const TensorFile& file) {
  const std::string& found = entry(file, version_key);
  if (found != version) {
    throw Error(ErrorCode::unsupported, "a checkpoint of format " + found + ", where format " +
                                            std::string(version) +
                                            " can be read: use the version that wrote it");
  }
}

std::vector<std::string> classes_from(const std::string& text) {
  try {
    return Json::parse(text).get<std::vector<std::string>>();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt_data,
                std::string("its class names cannot be read: ") + error.what());
  }
}

std::set<std::string> parameter_names(const Graph& graph) {
  std::set<std::string> names;
  for (const auto& layer : graph.layers()) {
    for (const auto& parameter : layer.parameters) names.insert(layer.name + "/" + parameter.name);
  }
  return names;
}

void append(std::vector<NamedTensor>& to, std::string_view prefix,
            const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& tensor : tensors) {
    to.push_back({std::string(prefix) + tensor.name, tensor.shape, tensor.values});
  }
}

bool take(NamedTensor& tensor, std::string_view prefix, std::vector<NamedTensor>& into) {
  if (!tensor.name.starts_with(prefix)) return false;
  tensor.name.erase(0, prefix.size());
  into.push_back(std::move(tensor));
  return true;
}

// A tensor "NAME/..." belongs to the callback of that name.
bool take(NamedTensor& tensor, TrainingState& training) {
  // Backwards: of two names that both fit, the longer one.
  for (auto entry = training.callbacks.rbegin(); entry != training.callbacks.rend(); ++entry) {
    const std::string prefix = std::string(callback_prefix) + entry->first + "/";
    if (take(tensor, prefix, entry->second.tensors)) return true;
  }
  return false;
}

// A tensor of nobody else is taken for a parameter: that the model does
// not have it is said where parameters are set.
void sort_tensors(std::vector<NamedTensor>&& tensors, Checkpoint& checkpoint) {
  const std::set<std::string> names = parameter_names(checkpoint.graph);
  std::vector<NamedTensor> optimizer_state;
  for (NamedTensor& tensor : tensors) {
    const bool is_parameter = names.count(tensor.name) > 0;
    if (!is_parameter && take(tensor, extra_prefix, checkpoint.extra_tensors)) continue;
    if (!is_parameter && take(tensor, optimizer_prefix, optimizer_state)) continue;
    if (!is_parameter && checkpoint.training && take(tensor, *checkpoint.training)) continue;
    checkpoint.parameters.push_back(std::move(tensor));
  }
  if (checkpoint.training) checkpoint.training->optimizer_state = std::move(optimizer_state);
}

Checkpoint checkpoint_from(TensorFile&& file) {
  check_version(file);
  Checkpoint checkpoint;
  checkpoint.graph = Graph::from_json(entry(file, graph_key));
  checkpoint.loss = loss_from_json(entry(file, loss_key));
  checkpoint.classes = classes_from(entry(file, classes_key));
  if (file.metadata.count(training_key) > 0) {
    checkpoint.training = training_state_from_json(entry(file, training_key));
  }
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with(extra_prefix)) checkpoint.extra[key.substr(extra_prefix.size())] = value;
  }
  sort_tensors(std::move(file.tensors), checkpoint);
  return checkpoint;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  TensorFile file;
  file.metadata[version_key] = version;
  file.metadata[graph_key] = checkpoint.graph.to_json();
  file.metadata[loss_key] = to_json(checkpoint.loss);
  file.metadata[classes_key] =
      Json(checkpoint.classes).dump(-1, ' ', false, Json::error_handler_t::replace);
  for (const auto& [key, value] : checkpoint.extra) {
    file.metadata[std::string(extra_prefix) + key] = value;
  }
  append(file.tensors, "", checkpoint.parameters);
  append(file.tensors, extra_prefix, checkpoint.extra_tensors);
  if (checkpoint.training) {
    file.metadata[training_key] = to_json(*checkpoint.training);
    append(file.tensors, optimizer_prefix, checkpoint.training->optimizer_state);
    for (const auto& [name, state] : checkpoint.training->callbacks) {
      append(file.tensors, std::string(callback_prefix) + name + "/", state.tensors);
    }
  }
  save_safetensors(path, file);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  TensorFile file = load_safetensors(path);
  try {
    return checkpoint_from(std::move(file));
  } catch (const Error& error) {
    throw error.with_context(path.string());
  }
}

}  // namespace headrace
