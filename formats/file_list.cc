#include "headrace/formats/file_list.h"

#include <system_error>
#include <utility>
#include <vector>

#include "headrace/formats/file_reader.h"
#include "headrace/formats/image_files.h"
#include "headrace/formats/json_lines.h"
#include "headrace/formats/list_parser.h"

namespace headrace {
namespace {

ImageFileTable parse(std::vector<std::byte> text, const std::string& name,
                     const DataOptions& options) {
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) {
    const std::string_view lines(reinterpret_cast<const char*>(text.data()), text.size());
    return parse_json_lines(lines, name, options.classes, options.split);
  }
  return parse_list(std::move(text), name, options.classes, options.split);
}

}  // namespace

std::shared_ptr<const Dataset> open_file_list(const std::filesystem::path& path,
                                              const DataOptions& options) {
  std::vector<std::byte> text;
  std::error_code unknown;  // reading tells better what is wrong
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  if (!unknown) text.reserve(static_cast<std::size_t>(size) + 1);  // for the parser's NUL
  text.resize(FileReader().read(path.c_str(), text).size());
  ImageFileTable table = parse(std::move(text), path.string(), options);
  return std::make_shared<ImageFiles>(
      path.string(), options.root.empty() ? path.parent_path() : options.root, std::move(table));
}

std::shared_ptr<const Dataset> parse_file_list(std::string_view text, std::string name,
                                               const DataOptions& options) {
  const auto bytes = std::as_bytes(std::span(text));
  ImageFileTable table = parse(std::vector<std::byte>(bytes.begin(), bytes.end()), name, options);
  return std::make_shared<ImageFiles>(std::move(name), options.root, std::move(table));
}

}  // namespace headrace
