#include "headrace/formats/open_dataset.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "headrace/formats/cifar.h"
#include "headrace/formats/directory.h"
#include "headrace/formats/file_list.h"
#include "headrace/formats/hdf5.h"
#include "headrace/formats/idx.h"
#include "headrace/formats/manifest.h"
#include "headrace/formats/numpy.h"
#include "headrace/formats/pack.h"
#include "headrace/formats/shard_names.h"
#include "headrace/formats/tar_shards.h"
#include "headrace/formats/view_location.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

enum class Kind { unknown, list, directory, idx, cifar, numpy, hdf5, manifest, pack, tar };

struct Prefix {
  std::string_view text;
  Kind kind;
};
constexpr std::array<Prefix, 8> prefixes = {
    Prefix{"list:", Kind::list},   Prefix{"directory:", Kind::directory},
    Prefix{"idx:", Kind::idx},     Prefix{"cifar:", Kind::cifar},
    Prefix{"pack:", Kind::pack},   Prefix{"tar:", Kind::tar},
    Prefix{"numpy:", Kind::numpy}, Prefix{"hdf5:", Kind::hdf5}};

constexpr std::string_view recognised =
    "recognised are lists (.csv .tsv .txt .lst .jsonl), folders of class folders or of images, IDX "
    "files (*-idx3-ubyte, *-idx3-ubyte.gz), CIFAR (.bin), packs of headrace pack, shards (.tar) "
    "NumPy "
    "(.npz .npy) and HDF5 (.h5 .hdf5); or say what it is: list:PATH, directory:PATH, "
    "idx:IMAGES,LABELS, "
    "cifar:PATH,..., numpy:PATH, hdf5:PATH, pack:PATH, tar:PATTERN";

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

Kind kind_of_name(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (ends_with_any(name, {".csv", ".tsv", ".txt", ".lst", ".jsonl", ".ndjson"})) return Kind::list;
  if (ends_with_any(name, {".npz", ".npy"})) return Kind::numpy;
  if (ends_with_any(name, {".h5", ".hdf5", ".he5", ".hdf"})) return Kind::hdf5;
  if (name.ends_with(".bin")) return Kind::cifar;
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (ends_with_any(name, {".tar", ".tgz"})) return Kind::tar;  // says that it is compressed
  if (ends_with_any(name, {"-ubyte", ".idx", ".idx3", ".idx4"})) return Kind::idx;
  return Kind::unknown;
}

// "all.csv" of "all.csv#val", unless a file is called just so, or a folder "all.csv#val" is on the
// way to one. What is chosen of an HDF5 file may have slashes.
std::string_view without_choice(std::string_view location) {
  const std::size_t hash = location.rfind('#');
  std::error_code ignored;
  if (hash == std::string_view::npos || fs::exists(fs::path(location), ignored)) return location;
  const std::string_view file = location.substr(0, hash);
  const bool has_slash = location.find('/', hash) != std::string_view::npos;
  return has_slash && !fs::is_regular_file(fs::path(file), ignored) ? location : file;
}

Kind kind_of(const fs::path& path) {
  if (path.native().ends_with(".tar")) return Kind::tar;  // perhaps a pattern
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw Error(ErrorCode::io,
                "cannot open " + path.string() + ": there is nothing; " + std::string(recognised));
  }
  if (error) throw io_error("cannot open " + path.string(), error.value());
  if (fs::is_directory(status)) {
    if (is_cifar_folder(path)) return Kind::cifar;
    return holds_shards(path) ? Kind::tar : Kind::directory;
  }
  if (is_pack(path)) return Kind::pack;
  if (is_manifest(path)) return Kind::manifest;
  return kind_of_name(path.filename().string());
}

std::shared_ptr<const Dataset> open_list(std::string_view location, const DataOptions& options) {
  const std::string_view path = without_choice(location);
  DataOptions chosen = options;
  if (path.size() < location.size()) chosen.split = location.substr(path.size() + 1);
  return open_file_list(path, chosen);
}

std::vector<fs::path> split(std::string_view paths) {
  std::vector<fs::path> parts;
  for (std::size_t begin = 0; begin <= paths.size();) {
    const std::size_t comma = std::min(paths.find(',', begin), paths.size());
    parts.emplace_back(paths.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

std::shared_ptr<const Dataset> open_kind(Kind kind, std::string_view path, bool several,
                                         const DataOptions& options) {
  const std::vector<fs::path> parts = several ? split(path) : std::vector<fs::path>{path};
  if (!options.split.empty() && kind != Kind::list && kind != Kind::manifest) {
    throw Error(ErrorCode::invalid_argument,
                std::string(path) + ": only lists have splits, in a column of that name");
  }
  switch (kind) {
    case Kind::list: return open_list(path, options);
    case Kind::directory: return open_directory(path, options);
    case Kind::cifar: return open_cifar(parts, options);
    case Kind::numpy: return open_numpy(path, options);
    case Kind::hdf5: return open_hdf5(path, options);
    case Kind::pack: return open_pack(path, options);
    case Kind::tar: return open_tar_shards(path, options);
    case Kind::manifest: return open_manifest(path, options, open_dataset);
    case Kind::idx:
      if (parts.size() > 2) {
        throw Error(ErrorCode::invalid_argument,
                    "idx:" + std::string(path) +
                        ": one file of images and one of labels make a "
                        "data set");
      }
      return open_idx(parts[0], parts.size() > 1 ? parts[1] : fs::path(), options);
    case Kind::unknown: break;
  }
  throw Error(ErrorCode::invalid_argument,
              std::string(path) + ": of no known kind; " + std::string(recognised));
}

}  // namespace

std::shared_ptr<const Dataset> open_dataset(std::string_view location, const DataOptions& options) {
  if (auto view = open_view(location, options)) return view;
  for (const Prefix& prefix : prefixes) {
    if (location.starts_with(prefix.text)) {
      return open_kind(prefix.kind, location.substr(prefix.text.size()), true, options);
    }
  }
  return open_kind(kind_of(without_choice(location)), location, false, options);
}

}  // namespace headrace
