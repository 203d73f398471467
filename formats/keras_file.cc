#include "headrace/formats/keras_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

#include "headrace/formats/archive_file.h"
#include "headrace/formats/hdf5_file.h"
#include "headrace/formats/zip_archive.h"

namespace headrace {
namespace {

using hdf5::Array;
using hdf5::Element;

constexpr std::uint64_t most_model_bytes = std::uint64_t{1} << 27;

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what);
}

bool is_zip(const ArchiveFile& file) {
  std::array<std::byte, 4> begin{};
  if (file.size() < begin.size()) return false;
  file.read(0, begin);
  return begin == std::array{std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
}

std::vector<std::byte> member_of(const ArchiveFile& file, std::string_view member,
                                 std::uint64_t most_bytes) {
  const std::string name = file.path().string();
  for (const ZipMember& found : read_zip(file, name)) {
    if (found.name != member) continue;
    if (found.size > most_bytes) {
      throw Error(ErrorCode::corrupt_data, name + ": " + found.name + " is too large");
    }
    return read_zip_member(file, name, found);
  }
  unsupported(name + ": is no model of Keras: there is no " + std::string(member) + " in it");
}

std::string model_in_zip(const ArchiveFile& file) {
  const std::vector<std::byte> bytes = member_of(file, "config.json", most_model_bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What a file of Keras has in HDF5.
class Weights {
 public:
  Weights(std::unique_ptr<const hdf5::File> file, std::string name, std::uint64_t file_bytes)
      : file_(std::move(file)), name_(std::move(name)), file_bytes_(file_bytes) {
    for (const Array& array : file_->arrays()) arrays_[array.path] = &array;
  }

  std::string model() const {
    const std::vector<std::string> texts = file_->attribute("", "model_config");
    return texts.empty() ? "" : texts.front();
  }

  std::vector<KerasFile::Layer> layers() const {
    for (const std::string group : {"", "model_weights"}) {
      const std::vector<std::string> names = list(group, "layer_names");
      if (!names.empty()) return legacy_layers(group, names);
    }
    for (const std::string_view group : {"layers/", "_layer_checkpoint_dependencies/"}) {
      std::vector<KerasFile::Layer> layers = layers_in(group);
      if (!layers.empty()) return layers;
    }
    unsupported(name_ +
                ": holds no weights of a Sequential or Functional model as Keras writes them "
                "(layers/..., or layer_names)");
  }

 private:
  // A list that may be cut into several attributes, as one of HDF5 has at most 64 KB.
  std::vector<std::string> list(const std::string& group, const std::string& name) const {
    std::vector<std::string> all = file_->attribute(group, name);
    for (int part = 0; all.empty() || part > 0; ++part) {
      const auto more = file_->attribute(group, name + std::to_string(part));
      if (more.empty()) break;
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  KerasFile::Tensor read(const Array& array, std::string name) const {
    const std::string what = name_ + ": " + array.path;
    if (array.element != Element::reals && array.element != Element::integers) {
      unsupported(what + " has numbers that cannot be read (" + array.type +
                  "): save the model in float32");
    }
    // Nothing compresses weights so far, but a few bytes can claim any number of zeros.
    constexpr double most_expansion = 64;
    double bytes = static_cast<double>(array.element_bytes);
    for (const std::int64_t extent : array.shape) bytes *= static_cast<double>(extent);
    if (bytes > most_expansion * static_cast<double>(file_bytes_)) {
      throw Error(ErrorCode::corrupt_data, what + " claims more values than the file can hold");
    }
    return {std::move(name), array.shape, file_->reals(array)};
  }

  std::vector<KerasFile::Layer> legacy_layers(const std::string& group,
                                              const std::vector<std::string>& names) const {
    std::vector<KerasFile::Layer> layers;
    for (const std::string& name : names) {
      const std::string path = group.empty() ? name : group + "/" + name;
      KerasFile::Layer layer{.name = name, .position = {}, .tensors = {}};
      for (const std::string& weight : list(path, "weight_names")) {
        const auto array = arrays_.find(path + "/" + weight);
        if (array == arrays_.end()) {
          throw Error(ErrorCode::corrupt_data, name_ + ": " + path + "/" + weight + " is missing");
        }
        layer.tensors.push_back(read(*array->second, weight));
      }
      if (!layer.tensors.empty()) layers.push_back(std::move(layer));
    }
    return layers;
  }

  // "layers/lstm/cell/vars/0" is the weight "cell/vars/0" of the layer "lstm".
  std::vector<KerasFile::Layer> layers_in(std::string_view group) const {
    struct Weight {
      std::string folder;
      int number = 0;
      const Array* array = nullptr;
    };
    std::map<std::string, std::vector<Weight>> found;
    for (const auto& [path, array] : arrays_) {
      if (!path.starts_with(group)) continue;
      const std::string_view rest = std::string_view(path).substr(group.size());
      const std::size_t end = rest.find('/'), last = rest.rfind('/');
      if (end == last || rest.find("seed_generator/") != rest.npos) continue;
      Weight weight{.folder = std::string(rest.substr(end + 1, last - end - 1)), .array = array};
      const char* const text_end = rest.data() + rest.size();
      const auto [stop, failure] = std::from_chars(rest.data() + last + 1, text_end, weight.number);
      if (failure != std::errc() || stop != text_end) continue;
      found[std::string(rest.substr(0, end))].push_back(std::move(weight));
    }
    std::vector<KerasFile::Layer> layers;
    for (auto& [position, weights] : found) {
      const std::string path = std::string(group) + position;
      const std::vector<std::string> name = file_->attribute(path + "/vars", "name");
      KerasFile::Layer layer{
          .name = name.empty() ? "" : name.front(), .position = position, .tensors = {}};
      std::sort(weights.begin(), weights.end(), [](const Weight& a, const Weight& b) {
        return std::tie(a.folder, a.number) < std::tie(b.folder, b.number);
      });
      for (const Weight& weight : weights) {
        layer.tensors.push_back(
            read(*weight.array, weight.folder + "/" + std::to_string(weight.number)));
      }
      layers.push_back(std::move(layer));
    }
    return layers;
  }

  std::unique_ptr<const hdf5::File> file_;
  std::map<std::string, const Array*> arrays_;
  std::string name_;
  std::uint64_t file_bytes_;
};

}  // namespace

KerasFile read_keras_file(const std::filesystem::path& path) {
  const ArchiveFile file(path, true);
  const std::string name = path.string();
  if (is_zip(file)) {
    const auto bytes = member_of(file, "model.weights.h5", ~std::uint64_t{0});
    return reading_hdf5(name, [&] {
      const Weights weights(open_hdf5_image(bytes, name), name, bytes.size());
      return KerasFile{model_in_zip(file), weights.layers()};
    });
  }
  return reading_hdf5(name, [&] {
    const Weights weights(open_hdf5_file(name), name, file.size());
    return KerasFile{weights.model(), weights.layers()};
  });
}

std::string read_keras_model(const std::filesystem::path& path) {
  const ArchiveFile file(path, true);
  const std::string name = path.string();
  if (is_zip(file)) return model_in_zip(file);
  std::string model =
      reading_hdf5(name, [&] { return Weights(open_hdf5_file(name), name, file.size()).model(); });
  if (!model.empty()) return model;
  unsupported(name +
              ": holds weights, and not the model that they are of: give that too, as the JSON of "
              "model.to_json()");
}

}  // namespace headrace
