#include "headrace/formats/tar_index.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include "headrace/formats/image_header.h"
#include "headrace/formats/json_value.h"
#include "headrace/formats/tar_parser.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

constexpr std::string_view magic("headrace tar 1\n\0", 16);
constexpr std::uint64_t longest_label = 256;
constexpr std::uint64_t longest_json = std::uint64_t{1} << 20;

struct Head {
  std::uint64_t archive_bytes;
  std::int64_t modified;
  std::uint32_t extension_bytes;  // of their names, each with a NUL
  std::uint32_t text_bytes;
  std::uint32_t samples;
  std::uint32_t members;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

class IndexMaker {
 public:
  IndexMaker(const ByteSource& source, const std::string& name) : source_(source), name_(name) {}

  TarIndex run() && {
    TarParser parser(source_, name_);
    while (auto member = parser.next()) add(*member);
    return std::move(index_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt_data, name_ + ": " + what);
  }

  TarIndex::Text keep(std::string_view text) {
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (text.size() > most - index_.text.size() || index_.members.size() > most / 2) {
      throw Error(ErrorCode::unsupported, name_ + ": more names than 4 GB; split the archive");
    }
    const TarIndex::Text part{static_cast<std::uint32_t>(index_.text.size()),
                              static_cast<std::uint32_t>(text.size())};
    index_.text += text;
    return part;
  }

  void add(const TarMember& member) {
    const std::string_view name = member.name;
    const std::size_t slash = name.find_last_of('/');
    const std::size_t base = slash == std::string_view::npos ? 0 : slash + 1;
    const std::size_t dot = name.find('.', base);
    if (dot == std::string_view::npos || dot == base) return;  // no field, or a hidden file
    if (name.substr(base).starts_with("__")) return;           // WebDataset's remarks
    const std::string_view key = name.substr(0, dot);
    if (index_.samples.empty() || index_.at(index_.samples.back().key) != key) {
      const TarIndex::Text kept = keep(key);
      index_.samples.push_back({kept, static_cast<std::uint32_t>(index_.members.size()), 0});
    }
    TarIndex::Sample& sample = index_.samples.back();
    const std::uint32_t extension = extension_of(std::string(name.substr(dot + 1)));
    for (const TarIndex::Member& other : index_.of(sample)) {
      if (other.extension == extension) fail("there are two files '" + member.name + "'");
    }
    TarIndex::Member entry{member.offset, member.size, extension, 0, {}};
    if (recognise_image(std::span(member.head)
                            .first(static_cast<std::size_t>(
                                std::min<std::uint64_t>(member.size, member.head.size()))))) {
      entry.flags |= TarIndex::is_image;
    } else if (const auto label = label_of(member, index_.extensions[extension])) {
      entry.flags |= TarIndex::has_label;
      entry.label = keep(*label);
    }
    index_.members.push_back(entry);
    ++sample.count;
  }

  std::uint32_t extension_of(std::string name) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto [place, is_new] =
        numbers_.try_emplace(name, static_cast<std::uint32_t>(index_.extensions.size()));
    if (is_new) index_.extensions.push_back(name);
    return place->second;
  }

  std::optional<std::string> label_of(const TarMember& member, std::string_view extension) const {
    const bool is_json = extension == "json";
    if (member.size == 0 || member.size > (is_json ? longest_json : longest_label)) return {};
    if (!is_json && extension != "cls" && extension != "txt") return {};
    std::string text(static_cast<std::size_t>(member.size), '\0');
    source_.read(member.offset, std::as_writable_bytes(std::span(text)));
    if (is_json) return json_label(text);
    const std::string_view label = trimmed(text);
    if (label.empty() || label.find_first_of(std::string_view("\n\0", 2)) != label.npos) return {};
    return std::string(label);
  }

  const ByteSource& source_;
  const std::string& name_;
  TarIndex index_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

template <class T>
void append(std::vector<std::byte>& bytes, std::span<const T> values) {
  static_assert(std::has_unique_object_representations_v<T>);
  const std::size_t at = bytes.size();
  bytes.resize(at + values.size_bytes());
  if (!values.empty()) std::memcpy(bytes.data() + at, values.data(), values.size_bytes());
}

// Takes `count` values from the front; requires that there are so many.
template <class T>
std::vector<T> take(std::span<const std::byte>& bytes, std::size_t count) {
  std::vector<T> values(count);
  if (count != 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes = bytes.subspan(count * sizeof(T));
  return values;
}

// Nothing that the arrays say leads out of them, or out of the archive.
bool is_sound(const TarIndex& index, std::uint64_t archive_bytes) {
  const auto holds = [&](TarIndex::Text part) {
    return part.offset <= index.text.size() && part.length <= index.text.size() - part.offset;
  };
  const bool members =
      std::all_of(index.members.begin(), index.members.end(), [&](const TarIndex::Member& member) {
        return member.offset <= archive_bytes && member.size <= archive_bytes - member.offset &&
               member.extension < index.extensions.size() && holds(member.label);
      });
  const bool samples =
      std::all_of(index.samples.begin(), index.samples.end(), [&](const TarIndex::Sample& sample) {
        return sample.first <= index.members.size() &&
               sample.count <= index.members.size() - sample.first && holds(sample.key);
      });
  return members && samples;
}

}  // namespace

TarIndex make_tar_index(const ByteSource& source, const std::string& name) {
  return IndexMaker(source, name).run();
}

std::vector<std::byte> encode_tar_index(const TarIndex& index, const TarVersion& version) {
  std::string extensions;
  for (const std::string& name : index.extensions) extensions += name + '\0';
  const Head head{version.size,
                  version.modified,
                  static_cast<std::uint32_t>(extensions.size()),
                  static_cast<std::uint32_t>(index.text.size()),
                  static_cast<std::uint32_t>(index.samples.size()),
                  static_cast<std::uint32_t>(index.members.size())};
  std::vector<std::byte> bytes;
  append(bytes, std::span<const char>(magic));
  append(bytes, std::span(&head, 1));
  append(bytes, std::span<const char>(extensions));
  append(bytes, std::span<const char>(index.text));
  append(bytes, std::span(index.samples));
  append(bytes, std::span(index.members));
  const std::uint64_t check = Fingerprint().add(std::span<const std::byte>(bytes)).value();
  append(bytes, std::span(&check, 1));
  return bytes;
}

std::optional<TarIndex> decode_tar_index(std::span<const std::byte> bytes,
                                         const TarVersion& version) {
  Head head{};
  std::uint64_t check = 0;
  if (bytes.size() < magic.size() + sizeof head + sizeof check ||
      std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    return {};
  }
  const auto checked = bytes.first(bytes.size() - sizeof check);
  std::memcpy(&check, bytes.data() + checked.size(), sizeof check);
  if (Fingerprint().add(checked).value() != check) return {};
  std::memcpy(&head, bytes.data() + magic.size(), sizeof head);
  if (head.archive_bytes != version.size || head.modified != version.modified) return {};
  auto rest = checked.subspan(magic.size() + sizeof head);
  const std::uint64_t expected = std::uint64_t{head.extension_bytes} + head.text_bytes +
                                 head.samples * std::uint64_t{sizeof(TarIndex::Sample)} +
                                 head.members * std::uint64_t{sizeof(TarIndex::Member)};
  if (rest.size() != expected) return {};

  TarIndex index;
  const auto names = take<char>(rest, head.extension_bytes);
  for (auto begin = names.begin(); begin != names.end();) {
    const auto end = std::find(begin, names.end(), '\0');
    if (end == names.end()) return {};
    index.extensions.emplace_back(begin, end);
    begin = end + 1;
  }
  const auto text = take<char>(rest, head.text_bytes);
  index.text.assign(text.begin(), text.end());
  index.samples = take<TarIndex::Sample>(rest, head.samples);
  index.members = take<TarIndex::Member>(rest, head.members);
  if (!is_sound(index, version.size)) return {};
  return index;
}

}  // namespace headrace
