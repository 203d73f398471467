#include "headrace/formats/pack_writer.h"

#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/pack.h"
#include "headrace/formats/pack_file.h"
#include "headrace/formats/pack_parts.h"
#include "headrace/formats/pack_record.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using pack::RecordMaker;

// Records that are made before any of them is written: as many as take so much memory.
constexpr std::size_t chunk_bytes = std::size_t{128} << 20;
constexpr std::int64_t most_in_chunk = 512;
constexpr std::int64_t first_chunk = 32;
constexpr std::int64_t grain = 4;

// A record on its way to the pack; without bytes if it is left out.
struct Made {
  std::vector<std::byte> bytes;
  bool indexed = false;
  pack::Entry entry;
  std::uint64_t position = 0;
};

class PackWriter {
 public:
  PackWriter(const Dataset& dataset, const fs::path& path, const PackOptions& options)
      : dataset_(dataset),
        path_(path),
        options_(options),
        maker_(dataset, options),
        failures_(options.on_error, options.error_budget, dataset.size()),
        arena_(options.threads > 0 ? options.threads : tbb::task_arena::automatic) {}

  PackReport run();

 private:
  std::optional<PackReport> complete() const;
  void make_chunk(std::int64_t first, std::vector<Made>& chunk);
  void make(std::int64_t index, RecordMaker::Scratch& scratch, Made& into);
  void write_chunk(pack::PartFiles& parts, std::vector<Made>& chunk, PackReport& report);
  std::vector<DatasetField> fields_of(const pack::PartFiles& parts) const;
  void throw_if_stopped() const;
  template <class Body>
  void for_each_piece(std::size_t count, Body body);

  const Dataset& dataset_;
  const fs::path& path_;
  const PackOptions& options_;
  RecordMaker maker_;
  FailureLog failures_;
  tbb::task_arena arena_;
  tbb::enumerable_thread_specific<RecordMaker::Scratch> scratches_{
      [this] { return maker_.make_scratch(); }};
};

void PackWriter::throw_if_stopped() const {
  if (options_.stop != nullptr && *options_.stop) {
    throw Error(ErrorCode::cancelled, path_.string() + " is not finished");
  }
}

// What there is to report of a pack that is there already; nothing if there is none.
std::optional<PackReport> PackWriter::complete() const {
  std::error_code none;
  if (!fs::exists(path_, none) || options_.overwrite) return std::nullopt;
  if (!is_pack(path_)) {
    throw Error(ErrorCode::invalid_argument,
                path_.string() + " is there already, and is no pack: give another name");
  }
  const pack::File file(path_);
  if (file.number() != maker_.number()) {
    throw Error(ErrorCode::invalid_argument,
                path_.string() +
                    " is there already, a pack of other data or by other options: "
                    "give another name, or --overwrite");
  }
  PackReport report;
  report.records = report.kept = static_cast<std::int64_t>(file.table().size());
  report.bytes = static_cast<std::int64_t>(file.bytes());
  report.parts = static_cast<std::int64_t>(file.parts());
  report.errors = failures_.report();
  return report;
}

template <class Body>
void PackWriter::for_each_piece(std::size_t count, Body body) {
  HandOver hand_over;
  const auto task = hand_over.task([&](std::int64_t piece) {
    const auto begin = static_cast<std::size_t>(piece * grain);
    body(begin, std::min(begin + static_cast<std::size_t>(grain), count));
  });
  const auto pieces = (static_cast<std::int64_t>(count) + grain - 1) / grain;
  arena_.execute([&] { tbb::parallel_for(std::int64_t{0}, pieces, task); });
  hand_over.take_back();
}

void PackWriter::make(std::int64_t index, RecordMaker::Scratch& scratch, Made& into) {
  into.bytes.clear();
  try {
    into.indexed = maker_.make(index, scratch, into.bytes);
  } catch (const Error& error) {
    const std::string key = dataset_.key(index);
    if (options_.on_error == ErrorPolicy::fail || !is_of_the_data(error.code())) {
      throw error.with_context(key);
    }
    into.bytes.clear();
    failures_.add(index, key, error, true);
    failures_.count_replaced();
  }
}

void PackWriter::make_chunk(std::int64_t first, std::vector<Made>& chunk) {
  for_each_piece(chunk.size(), [&](std::size_t begin, std::size_t end) {
    RecordMaker::Scratch& scratch = scratches_.local();
    for (std::size_t i = begin; i < end; ++i) {
      throw_if_stopped();
      make(first + static_cast<std::int64_t>(i), scratch, chunk[i]);
    }
  });
}

void PackWriter::write_chunk(pack::PartFiles& parts, std::vector<Made>& chunk, PackReport& report) {
  std::erase_if(chunk, [](const Made& made) { return made.bytes.empty(); });
  for (Made& made : chunk) {
    made.position = parts.table().size();
    const auto label = pack::load<pack::RecordHeader>(made.bytes, 0).label;
    made.entry = parts.add(static_cast<std::uint32_t>(made.bytes.size()), label);
    report.indexed += made.indexed;
  }
  for_each_piece(chunk.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      maker_.seal(chunk[i].position, chunk[i].bytes);
      parts.write(chunk[i].entry, chunk[i].bytes);
    }
  });
}

// Those of the first record; without height and width if others differ in these.
std::vector<DatasetField> PackWriter::fields_of(const pack::PartFiles& parts) const {
  constexpr std::size_t enough = sizeof(pack::RecordHeader) + pack::most_key_bytes +
                                 pack::most_fields * sizeof(pack::FieldHeader);
  std::vector<std::byte> begin(enough);
  parts.read(parts.table()[0], begin);
  std::vector<DatasetField> fields = maker_.fields(begin);
  DatasetField& image = fields[maker_.image()];
  if (image.kind != FieldKind::pixels) return fields;
  for (const pack::Entry& entry : parts.table()) {
    throw_if_stopped();
    begin.resize(enough);
    parts.read(entry, begin);
    if (maker_.fields(begin)[maker_.image()].shape == image.shape) continue;
    image.shape[0] = image.shape[1] = 0;
    break;
  }
  return fields;
}

PackReport PackWriter::run() {
  if (dataset_.size() == 0) {
    throw Error(ErrorCode::invalid_argument, dataset_.info().name + ": there is nothing to pack");
  }
  if (options_.on_error == ErrorPolicy::blank) {
    throw Error(ErrorCode::invalid_argument,
                "a pack cannot leave images blank: skip them, or fail");
  }
  if (auto report = complete()) return *report;
  PackReport report;
  pack::PartFiles parts(path_, maker_.number(), options_.part_bytes);
  parts.take_over(options_.stop, options_.progress);
  report.kept = static_cast<std::int64_t>(parts.table().size());
  std::int64_t next = report.kept;
  std::int64_t count = first_chunk;
  std::vector<Made> chunk;
  while (next < dataset_.size()) {
    throw_if_stopped();
    chunk.resize(static_cast<std::size_t>(std::min(count, dataset_.size() - next)));
    make_chunk(next, chunk);
    next += static_cast<std::int64_t>(chunk.size());
    std::size_t bytes = 1;
    for (const Made& made : chunk) bytes += made.bytes.size();
    const std::size_t each = bytes / chunk.size() + 1;
    count = std::clamp(static_cast<std::int64_t>(chunk_bytes / each), grain, most_in_chunk);
    write_chunk(parts, chunk, report);
    if (options_.progress) options_.progress(next);
  }
  if (parts.table().empty()) {
    throw Error(ErrorCode::corrupt_data, dataset_.info().name + ": no image of it can be packed");
  }
  pack::Description description;
  description.fields = fields_of(parts);
  description.classes = dataset_.info().classes;
  description.source = dataset_.info().name;
  description.how = options_.how;
  pack::Footer footer;
  const bool all = static_cast<std::int64_t>(parts.table().size()) == dataset_.size();
  footer.as_they_were = maker_.as_they_were() && all ? 1 : 0;
  footer.source_fingerprint = dataset_.fingerprint();
  report.records = static_cast<std::int64_t>(parts.table().size());
  report.bytes = static_cast<std::int64_t>(parts.finish(std::move(description), footer));
  report.parts = static_cast<std::int64_t>((parts.table().back().place >> 48) + 1);
  report.errors = failures_.report();
  return report;
}

}  // namespace

PackReport write_pack(const Dataset& dataset, const std::filesystem::path& path,
                      const PackOptions& options) {
  return PackWriter(dataset, path, options).run();
}

}  // namespace headrace
