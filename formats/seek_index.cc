#include "headrace/formats/seek_index.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "headrace/formats/file_reader.h"
#include "headrace/formats/seek_hint.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

// The file: a word for its kind; the points of all images, one after the other; an Entry for each
// image, by their hashes; a Footer.
constexpr std::string_view magic = "headrace seek 1\n";

struct Entry {
  std::uint64_t hash;
  std::uint64_t offset;  // of its points in the file
  std::uint32_t bytes;   // of them
  std::uint32_t check;   // of them
  std::uint64_t file_bytes;

  friend bool operator<(const Entry& a, const Entry& b) { return a.hash < b.hash; }
};

struct Footer {
  std::uint64_t entries;
  std::uint64_t check;  // of the entries and their number
};

std::uint64_t hash_of(std::span<const std::byte> bytes) { return Fingerprint().add(bytes).value(); }

std::uint64_t check_of(std::span<const Entry> entries) {
  return Fingerprint().add(entries.size()).add(std::as_bytes(entries)).value();
}

// What becomes of one image.
struct Indexed {
  Entry entry{};
  bool known = false;
  std::vector<std::byte> points;  // empty: there are none
};

struct Scratch {
  Record record;
  SeekPointMaker maker;
};

class Indexer {
 public:
  Indexer(const Dataset& dataset, const SeekIndex* known) : dataset_(dataset), known_(known) {
    const auto& fields = dataset.info().fields;
    const auto image = std::find_if(fields.begin(), fields.end(), [](const DatasetField& field) {
      return field.kind == FieldKind::encoded_image;
    });
    if (image == fields.end()) {
      throw Error(ErrorCode::invalid_argument,
                  dataset.info().name + ": it has no image files, so there is nothing to index");
    }
    field_ = static_cast<std::size_t>(image - fields.begin());
  }

  Indexed index(std::int64_t record, Scratch& scratch) const {
    Indexed result;
    scratch.record.values.resize(dataset_.info().fields.size());
    try {
      dataset_.read(record, scratch.record);
    } catch (const Error&) {
      return result;  // who loads it will hear why
    }
    const auto file = scratch.record.values[field_].bytes;
    result.entry.hash = hash_of(file);
    result.entry.file_bytes = file.size();
    if (known_ != nullptr) {
      const auto points = known_->find(file);
      result.points.assign(points.begin(), points.end());
      result.known = !points.empty();
    }
    if (!result.known && !scratch.maker.append(file, result.points)) {
      result.points.clear();
    }
    return result;
  }

 private:
  const Dataset& dataset_;
  const SeekIndex* known_;
  std::size_t field_ = 0;
};

}  // namespace

struct SeekIndex::Content {
  std::vector<std::byte> file;
  std::vector<Entry> entries;
};

SeekIndex::SeekIndex(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
SeekIndex::~SeekIndex() = default;

std::shared_ptr<const SeekIndex> SeekIndex::open(const std::filesystem::path& path) {
  auto content = std::make_unique<Content>();
  const auto bytes = FileReader().read(path.c_str(), content->file);
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::corrupt_data, path.string() + why + ": make it again by headrace index");
  };
  if (bytes.size() < magic.size() + sizeof(Footer) ||
      std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    refuse(" is no seek index of this version");
  }
  Footer footer{};
  const std::size_t end = bytes.size() - sizeof footer;
  std::memcpy(&footer, bytes.data() + end, sizeof footer);
  if (footer.entries > (end - magic.size()) / sizeof(Entry)) refuse(" is not whole");
  const std::size_t table = end - footer.entries * sizeof(Entry);
  content->entries.resize(footer.entries);
  std::memcpy(content->entries.data(), bytes.data() + table, footer.entries * sizeof(Entry));
  if (check_of(content->entries) != footer.check) refuse(" is damaged, or not whole");
  for (const Entry& entry : content->entries) {
    if (entry.offset > table || entry.bytes > table - entry.offset) refuse(" is damaged");
  }
  return std::shared_ptr<const SeekIndex>(new SeekIndex(std::move(content)));
}

std::int64_t SeekIndex::images() const {
  return static_cast<std::int64_t>(content_->entries.size());
}

std::size_t SeekIndex::bytes() const {
  return content_->file.size() + content_->entries.size() * sizeof(Entry);
}

std::span<const std::byte> SeekIndex::find(std::span<const std::byte> encoded) const {
  Entry wanted{};
  wanted.hash = hash_of(encoded);
  const auto found = std::lower_bound(content_->entries.begin(), content_->entries.end(), wanted);
  if (found == content_->entries.end() || found->hash != wanted.hash ||
      found->file_bytes != encoded.size()) {
    return {};
  }
  const auto points = std::span(content_->file).subspan(found->offset, found->bytes);
  if (static_cast<std::uint32_t>(hash_of(points)) != found->check) return {};
  return points;
}

SeekIndexReport write_seek_index(const Dataset& dataset, const std::filesystem::path& path,
                                 const SeekIndexOptions& options) {
  constexpr std::int64_t images_at_a_time = 1024;
  const Indexer indexer(dataset, options.known);
  SeekIndexReport report;
  AtomicFile file(path);
  file.write(magic);
  std::uint64_t offset = magic.size();
  std::vector<Entry> entries;
  std::vector<Indexed> part;
  tbb::task_arena arena(options.threads > 0 ? options.threads : tbb::task_arena::automatic);
  for (std::int64_t first = 0; first < dataset.size(); first += images_at_a_time) {
    part.clear();
    part.resize(static_cast<std::size_t>(std::min(images_at_a_time, dataset.size() - first)));
    HandOver hand_over;
    const auto task = hand_over.task([&](const tbb::blocked_range<std::size_t>& range) {
      Scratch scratch;
      for (std::size_t i = range.begin(); i < range.end(); ++i) {
        if (options.stop != nullptr && *options.stop) return;
        part[i] = indexer.index(first + static_cast<std::int64_t>(i), scratch);
      }
    });
    arena.execute(
        [&] { tbb::parallel_for(tbb::blocked_range<std::size_t>(0, part.size(), 8), task); });
    hand_over.take_back();
    if (options.stop != nullptr && *options.stop) {
      throw Error(ErrorCode::cancelled, path.string() + " is as it was");
    }
    for (Indexed& image : part) {
      if (image.points.empty()) {
        ++report.others;
        continue;
      }
      image.entry.offset = offset;
      image.entry.bytes = static_cast<std::uint32_t>(image.points.size());
      image.entry.check = static_cast<std::uint32_t>(hash_of(image.points));
      file.write(image.points);
      offset += image.points.size();
      entries.push_back(image.entry);
      report.known += image.known;
    }
    if (options.progress) options.progress(first + static_cast<std::int64_t>(part.size()));
  }
  std::sort(entries.begin(), entries.end());
  const Footer footer{entries.size(), check_of(entries)};
  file.write(std::as_bytes(std::span(entries)));
  file.write(std::as_bytes(std::span(&footer, 1)));
  file.commit();
  report.indexed = static_cast<std::int64_t>(entries.size());
  report.bytes = static_cast<std::int64_t>(offset + entries.size() * sizeof(Entry) + sizeof footer);
  return report;
}

}  // namespace headrace
