#include "headrace/formats/hdf5_file.h"

#include "headrace/pipeline/plugin.h"

namespace headrace {
namespace {

const Plugin& library() {
  static const Plugin plugin("headrace_hdf5");
  if (plugin.function<headrace_hdf5_get_version_function>("headrace_hdf5_get_version")() !=
      headrace_hdf5_version) {
    throw Error(ErrorCode::unsupported,
                "the plugin headrace_hdf5 is of another version: install the one that belongs to "
                "this Headrace");
  }
  return plugin;
}

}  // namespace

std::unique_ptr<const hdf5::File> open_hdf5_file(const std::string& path) {
  const auto open = library().function<headrace_hdf5_open_function>("headrace_hdf5_open");
  return reading_hdf5(path, [&] { return std::unique_ptr<const hdf5::File>(open(path.c_str())); });
}

std::unique_ptr<const hdf5::File> open_hdf5_image(std::span<const std::byte> bytes,
                                                  const std::string& name) {
  const auto open =
      library().function<headrace_hdf5_open_image_function>("headrace_hdf5_open_image");
  return reading_hdf5(
      name, [&] { return std::unique_ptr<const hdf5::File>(open(bytes.data(), bytes.size())); });
}

std::unique_ptr<hdf5::NewFile> create_hdf5_file(const std::string& path) {
  const auto create = library().function<headrace_hdf5_create_function>("headrace_hdf5_create");
  return writing_hdf5(path, [&] { return std::unique_ptr<hdf5::NewFile>(create(path.c_str())); });
}

}  // namespace headrace
