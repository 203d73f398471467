#include "headrace/train/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/element_conversion.h"

// The format: u64 length of the header; the header, a JSON object of
// {name: {"dtype", "shape", "data_offsets": [begin, end]}} and "__metadata__": {text: text}; the
// data, which the offsets cover without gaps. All little-endian.

namespace headrace {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t longest_header = 100'000'000;
constexpr std::size_t length_bytes = 8;
constexpr std::size_t alignment = 8;  // of the data in the file
constexpr std::string_view metadata_key = "__metadata__";

// Where a tensor lies in a file.
struct Entry {
  std::string name;
  std::string type;
  Shape shape;
  std::uint64_t elements = 0;
  std::uint64_t begin = 0;  // from the end of the header
  std::uint64_t end = 0;
};

[[noreturn]] void corrupt(const std::string& what) { throw Error(ErrorCode::corrupt_data, what); }

std::string quoted(const std::string& name) { return "tensor '" + name + "'"; }

std::string header_of(const TensorFile& file) {
  OrderedJson header = OrderedJson::object();
  if (!file.metadata.empty()) header[std::string(metadata_key)] = file.metadata;
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : file.tensors) {
    if (header.contains(tensor.name) || tensor.name == metadata_key) {
      throw Error(ErrorCode::invalid_argument, "two tensors have the name '" + tensor.name + "'");
    }
    if (static_cast<std::uint64_t>(tensor.shape.elements()) != tensor.values.size()) {
      throw Error(ErrorCode::invalid_argument,
                  quoted(tensor.name) + " has " + std::to_string(tensor.values.size()) +
                      " values for a shape of " + tensor.shape.to_string());
    }
    const std::uint64_t end = offset + tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape.extents()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // Class names are whatever the user's folders are called: they must not keep a model unsaved.
  std::string text = header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
  return text;
}

std::uint64_t unsigned_of(const Json& value, const std::string& what) {
  if (!value.is_number_unsigned()) corrupt(what + " is no whole number");
  return value.get<std::uint64_t>();
}

const Json& member(const Json& object, const char* key, const std::string& name) {
  const auto found = object.find(key);
  if (found == object.end()) corrupt(quoted(name) + " has no \"" + key + "\"");
  return *found;
}

std::uint64_t product(const std::vector<std::int64_t>& extents, const std::string& name) {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : extents) {
    if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(extent), &elements)) {
      corrupt(quoted(name) + " has more elements than can be counted");
    }
  }
  return elements;
}

Entry parse_entry(const std::string& name, const Json& object) {
  if (!object.is_object()) corrupt(quoted(name) + " is described by something else than an object");
  Entry entry;
  entry.name = name;
  const Json& type = member(object, "dtype", name);
  if (!type.is_string()) corrupt(quoted(name) + " has a \"dtype\" that is no text");
  entry.type = type.get<std::string>();

  const Json& shape = member(object, "shape", name);
  if (!shape.is_array()) corrupt(quoted(name) + " has a \"shape\" that is no list");
  std::vector<std::int64_t> extents;
  for (const Json& extent : shape) {
    const std::uint64_t value = unsigned_of(extent, "an extent of " + quoted(name));
    if (!std::in_range<std::int64_t>(value)) corrupt(quoted(name) + " has an impossible extent");
    extents.push_back(static_cast<std::int64_t>(value));
  }
  entry.elements = product(extents, name);
  entry.shape = Shape(std::move(extents));

  const Json& offsets = member(object, "data_offsets", name);
  if (!offsets.is_array() || offsets.size() != 2) {
    corrupt(quoted(name) + " has \"data_offsets\" that are no pair");
  }
  entry.begin = unsigned_of(offsets[0], "an offset of " + quoted(name));
  entry.end = unsigned_of(offsets[1], "an offset of " + quoted(name));
  return entry;
}

// Entries in the order of their data, which they must cover from 0 to `data_bytes` without a gap.
void check_layout(std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.end < entry.begin || entry.end > data_bytes) {
      corrupt(quoted(entry.name) + " lies at bytes " + std::to_string(entry.begin) + " to " +
              std::to_string(entry.end) + " of " + std::to_string(data_bytes));
    }
    if (entry.begin < at) corrupt(quoted(entry.name) + " overlaps the one before it");
    if (entry.begin > at) corrupt("a gap lies before " + quoted(entry.name));
    at = entry.end;
  }
  if (at != data_bytes) {
    corrupt(std::to_string(data_bytes - at) + " bytes at the end belong to no tensor");
  }
}

void check_size(const Entry& entry) {
  const std::size_t width = element_bytes(entry.type);
  if (width == 0 || (entry.type == "I64" && entry.elements != 1)) {
    throw Error(ErrorCode::unsupported, quoted(entry.name) + " is of type " + entry.type +
                                            ", where F32, F16, BF16 or F64 can be read");
  }
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(entry.elements, width, &bytes) || bytes != entry.end - entry.begin) {
    corrupt(quoted(entry.name) + " has " + std::to_string(entry.end - entry.begin) +
            " bytes, which do not fit its shape of " + entry.shape.to_string());
  }
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {
    std::error_code error;
    left_ = std::filesystem::file_size(path, error);
    if (error) throw io_error("cannot read " + path.string(), error.value());
    file_.open(path, std::ios::binary);
    if (!file_) throw io_error("cannot read " + path.string(), errno);
  }

  std::uint64_t left() const { return left_; }

  void read(std::span<std::byte> into) {
    file_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    if (!file_) throw io_error("cannot read " + path_.string(), errno != 0 ? errno : EIO);
    left_ -= into.size();
  }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::uint64_t left_ = 0;
};

Json read_header(Reader& reader) {
  if (reader.left() < length_bytes) {
    corrupt("not a safetensors file: it has " + std::to_string(reader.left()) + " bytes");
  }
  std::uint64_t length = 0;
  reader.read(std::as_writable_bytes(std::span(&length, 1)));
  if (length > longest_header || length > reader.left()) {
    corrupt("not a safetensors file, or its end is missing: a header of " + std::to_string(length) +
            " bytes, with " + std::to_string(reader.left()) + " bytes left in the file");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  reader.read(std::as_writable_bytes(std::span(text)));
  Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) corrupt("not a safetensors file: its header is no JSON object");
  return header;
}

std::map<std::string, std::string> take_metadata(Json& header) {
  std::map<std::string, std::string> metadata;
  const auto found = header.find(metadata_key);
  if (found == header.end()) return metadata;
  if (!found->is_object()) corrupt("its \"__metadata__\" is no object");
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) corrupt("its metadata '" + key + "' is no text");
    metadata[key] = value.get<std::string>();
  }
  header.erase(found);
  return metadata;
}

TensorFile read(Reader& reader) {
  Json header = read_header(reader);
  TensorFile file;
  file.metadata = take_metadata(header);
  std::vector<Entry> entries;
  for (const auto& [name, object] : header.items()) entries.push_back(parse_entry(name, object));
  check_layout(entries, reader.left());
  for (const Entry& entry : entries) check_size(entry);

  std::vector<std::byte> bytes;
  for (const Entry& entry : entries) {
    NamedTensor& tensor = file.tensors.emplace_back();
    tensor.name = entry.name;
    tensor.shape = entry.shape;
    tensor.values.resize(static_cast<std::size_t>(entry.elements));
    if (entry.type == "F32") {
      reader.read(std::as_writable_bytes(std::span(tensor.values)));
    } else {
      bytes.resize(static_cast<std::size_t>(entry.end - entry.begin));
      reader.read(bytes);
      to_f32(entry.type, bytes, tensor.values);
    }
  }
  return file;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  const std::string header = header_of(file);
  const std::uint64_t length = header.size();
  AtomicFile out(path);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const NamedTensor& tensor : file.tensors) out.write(std::as_bytes(std::span(tensor.values)));
  out.commit();
}

TensorFile load_safetensors(const std::filesystem::path& path) {
  Reader reader(path);
  try {
    return read(reader);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) throw;
    throw error.with_context(path.string());
  }
}

}  // namespace headrace
