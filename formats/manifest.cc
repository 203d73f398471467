#include "headrace/formats/manifest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <optional>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view first_line = "headrace manifest 1";
constexpr std::string_view columns =
    "record\tkey\tbytes\tkind\theight\twidth\tchannels\tbits\torientation\tlabel\thash\tacross\t"
    "down\tmean\tfindings\tmessage";
constexpr std::size_t column_count = 16;
constexpr std::size_t most_line_bytes = std::size_t{1} << 28;

std::string plain(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  return out;
}

template <class T>
bool parse(std::string_view text, T& value, int base = 10) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return failure == std::errc() && end == text.data() + text.size();
}

bool parse_byte(std::string_view text, std::uint8_t& value) {
  unsigned number = 0;
  if (!parse(text, number) || number > 255) return false;
  value = static_cast<std::uint8_t>(number);
  return true;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<std::uint8_t> parse_kind(std::string_view text) {
  for (std::uint8_t kind = 0; kind < 8; ++kind) {
    if (image_kind_name(kind) == text) return kind;
  }
  return std::nullopt;
}

// The lines up to that of the check, which is left in `check`.
std::vector<std::pair<std::string, std::string>> read_head(const fs::path& path) {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::corrupt_data,
                path.string() + " " + why + ": make it again by headrace doctor");
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::io, "cannot open " + path.string());
  std::vector<std::pair<std::string, std::string>> values;
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (text.empty() && line != first_line) break;
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos && line.compare(0, tab, "check") == 0) {
      if (line.substr(tab + 1) != to_hex(Fingerprint().add(std::string_view(text)).value())) {
        refuse("is damaged");
      }
      return values;
    }
    if (tab != std::string::npos) values.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    text += line + '\n';
    if (text.size() > most_line_bytes || values.size() > 64) break;
  }
  refuse("is no manifest of this version, or not whole");
  return {};
}

// One without some of its records.
class LeftOut final : public Dataset {
 public:
  LeftOut(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> records)
      : dataset_(std::move(dataset)), shifted_(std::move(records)) {
    Fingerprint hash;
    hash.add(dataset_->fingerprint());
    for (std::size_t i = 0; i < shifted_.size(); ++i) {
      hash.add(shifted_[i]);
      shifted_[i] -= static_cast<std::int64_t>(i);
    }
    fingerprint_ = shifted_.empty() ? dataset_->fingerprint() : hash.value();
  }

  std::int64_t size() const override {
    return dataset_->size() - static_cast<std::int64_t>(shifted_.size());
  }
  const DatasetInfo& info() const override { return dataset_->info(); }
  void read(std::int64_t index, Record& into) const override { dataset_->read(at(index), into); }
  bool try_read(std::int64_t index, Record& into) const override {
    return dataset_->try_read(at(index), into);
  }
  std::size_t will_need(std::int64_t index) const override {
    return dataset_->will_need(at(index));
  }
  std::int64_t label(std::int64_t index) const override { return dataset_->label(at(index)); }
  std::string key(std::int64_t index) const override { return dataset_->key(at(index)); }
  std::uint64_t fingerprint() const override { return fingerprint_; }

 private:
  // shifted_[j] records are kept before the j-th that is left out.
  std::int64_t at(std::int64_t index) const {
    return index + (std::upper_bound(shifted_.begin(), shifted_.end(), index) - shifted_.begin());
  }

  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::int64_t> shifted_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace

std::string manifest_row(std::int64_t index, const RecordFacts& facts, std::string_view key,
                         std::string_view message) {
  const auto number = [](auto value) { return std::to_string(value); };
  std::string row = number(index) + '\t' + plain(key) + '\t' + number(facts.bytes) + '\t';
  row += image_kind_name(facts.kind);
  for (const int value : {facts.height, facts.width, int{facts.channels}, int{facts.bits},
                          int{facts.orientation}, facts.label}) {
    row += '\t' + number(value);
  }
  for (const std::uint64_t value : {facts.hash, facts.across, facts.down}) {
    row += '\t' + to_hex(value);
  }
  row += '\t' + number(facts.mean[0]) + ',' + number(facts.mean[1]) + ',' + number(facts.mean[2]);
  return row + '\t' + to_text(facts.findings) + '\t' + plain(message);
}

bool parse_manifest_row(std::string_view row, std::int64_t index, RecordFacts& facts,
                        std::string& message) {
  const std::vector<std::string_view> parts = split(row, '\t');
  if (parts.size() != column_count) return false;
  const auto findings = parse_findings(parts[14]);
  const auto kind = parse_kind(parts[3]);
  const std::vector<std::string_view> mean = split(parts[13], ',');
  std::int64_t number = -1;
  if (!findings || !kind || mean.size() != 3 || !parse(parts[0], number) || number != index ||
      !parse(parts[2], facts.bytes) || !parse(parts[4], facts.height) ||
      !parse(parts[5], facts.width) || !parse_byte(parts[6], facts.channels) ||
      !parse_byte(parts[7], facts.bits) || !parse_byte(parts[8], facts.orientation) ||
      !parse(parts[9], facts.label) || !parse(parts[10], facts.hash, 16) ||
      !parse(parts[11], facts.across, 16) || !parse(parts[12], facts.down, 16)) {
    return false;
  }
  for (std::size_t c = 0; c < 3; ++c) {
    if (!parse_byte(mean[c], facts.mean[c])) return false;
  }
  facts.findings = *findings;
  facts.kind = *kind;
  message = parts[15];
  return true;
}

std::string manifest_head(const ManifestHead& head) {
  std::string text = std::string(first_line) + '\n';
  text += "data\t" + plain(head.data) + "\nroot\t" + plain(head.root) + '\n';
  text += "fingerprint\t" + to_hex(head.fingerprint) + '\n';
  text += "records\t" + std::to_string(head.records) + "\nleft_out\t";
  for (std::size_t i = 0; i < head.left_out.size(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(head.left_out[i]);
  }
  text += '\n';
  const std::string check = to_hex(Fingerprint().add(std::string_view(text)).value());
  return text + "check\t" + check + '\n' + std::string(columns) + '\n';
}

bool is_manifest(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, first_line.size()> begin{};
  file.read(begin.data(), begin.size());
  return file && std::string_view(begin.data(), begin.size()) == first_line;
}

ManifestHead read_manifest(const fs::path& path) {
  ManifestHead head;
  bool sound = true;
  for (const auto& [name, value] : read_head(path)) {
    if (name == "data") head.data = value;
    if (name == "root") head.root = value;
    if (name == "fingerprint") sound = sound && parse(value, head.fingerprint, 16);
    if (name == "records") sound = sound && parse(value, head.records);
    if (name != "left_out" || value.empty()) continue;
    for (const std::string_view part : split(value, ',')) {
      sound = sound && parse(part, head.left_out.emplace_back());
    }
  }
  if (sound && !head.data.empty()) return head;
  throw Error(ErrorCode::corrupt_data, path.string() + " is damaged");
}

std::shared_ptr<const Dataset> open_manifest(const fs::path& path, const DataOptions& options,
                                             const DatasetOpener& open) {
  const ManifestHead head = read_manifest(path);
  const fs::path folder = path.parent_path();
  DataOptions own = options;
  if (own.root.empty() && !head.root.empty()) own.root = folder / head.root;
  const fs::path data = folder / head.data;
  const bool is_path = head.data.find(':') == std::string::npos;
  if (is_path && is_manifest(data)) {
    throw Error(ErrorCode::corrupt_data, path.string() +
                                             " is of another manifest: make it again "
                                             "by headrace doctor, of the data themselves");
  }
  auto dataset = open(is_path ? data.string() : head.data, own);
  const bool other_classes = !options.classes.empty();  // then fingerprints cannot be compared
  if (dataset->size() != head.records ||
      (!other_classes && dataset->fingerprint() != head.fingerprint)) {
    throw Error(ErrorCode::corrupt_data, path.string() + ": " + data.string() +
                                             " has changed since then: run headrace doctor again");
  }
  return leave_out(std::move(dataset), head.left_out);
}

std::shared_ptr<const Dataset> leave_out(std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& records) {
  const bool ascend =
      std::adjacent_find(records.begin(), records.end(), std::greater_equal<>()) == records.end();
  const bool inside = records.empty() || (records.front() >= 0 && records.back() < dataset->size());
  if (!ascend || !inside || static_cast<std::int64_t>(records.size()) == dataset->size()) {
    throw Error(ErrorCode::invalid_argument, dataset->info().name +
                                                 ": what is to be left out is not a part of its " +
                                                 std::to_string(dataset->size()) + " records");
  }
  return std::make_shared<LeftOut>(std::move(dataset), records);
}

}  // namespace headrace
