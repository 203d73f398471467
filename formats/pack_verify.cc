#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/pack_file.h"
#include "headrace/formats/pack_record.h"
#include "headrace/formats/pack_writer.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

using pack::RecordMaker;

class PackVerifier {
 public:
  PackVerifier(const Dataset& dataset, const std::filesystem::path& path,
               const PackOptions& options)
      : dataset_(dataset),
        options_(options),
        maker_(dataset, options),
        decoder_(make_image_decoder()),
        file_(path) {}

  std::int64_t run();

 private:
  struct Scratch {
    RecordMaker::Scratch maker;
    std::vector<std::byte> expected;
    std::vector<std::byte> stored;
    std::unique_ptr<DecodeSession> session;
    Image whole;
    Image part;
  };

  void check(std::int64_t position, Scratch& scratch) const;
  void check_sources() const;
  std::string compare(std::uint64_t position, Scratch& scratch) const;
  std::string compare_pixels(Scratch& scratch) const;
  void throw_if_stopped() const {
    if (options_.stop == nullptr || !*options_.stop) return;
    throw Error(ErrorCode::cancelled, file_.path().string() + " was not compared to its end");
  }

  const Dataset& dataset_;
  const PackOptions& options_;
  RecordMaker maker_;
  std::shared_ptr<const Decoder> decoder_;
  pack::File file_;
};

// Rows and columns of `part`, which shows `region`, as those of `whole`.
bool same_pixels(const Image& whole, const Image& part, const Region& region) {
  const auto channels = static_cast<std::size_t>(whole.shape().channels);
  const auto left = static_cast<std::size_t>(region.left) * channels;
  const auto bytes = static_cast<std::size_t>(region.width) * channels;
  for (int y = 0; y < region.height; ++y) {
    const auto* const expected = whole.view().row<std::byte>(region.top + y) + left;
    if (std::memcmp(expected, part.view().row<std::byte>(y), bytes) != 0) return false;
  }
  return true;
}

// What a decoder makes of the stored image with its seek points must be what it makes of the source
// without: all of it, and a quarter, which is where seek points lead.
std::string PackVerifier::compare_pixels(Scratch& scratch) const {
  pack::FieldPlaces places;
  const auto fields = maker_.fields(scratch.stored);
  if (const char* wrong = pack::parse_record(scratch.stored, fields, places)) return wrong;
  if (fields[maker_.image()].kind != FieldKind::encoded_image) return {};
  const pack::FieldPlace& place = places[maker_.image()];
  if (place.header.hint_bytes == 0) return {};
  const auto image = [&](std::span<const std::byte> record) {
    return record.subspan(place.offset, place.header.bytes);
  };
  const auto hint = std::span<const std::byte>(scratch.stored)
                        .subspan(place.hint_offset, place.header.hint_bytes);
  DecodeSession& session = *scratch.session;
  const ImageSize size = session.open(image(scratch.expected)).shape.size();
  const Region all{0, 0, size.height, size.width};
  session.decode({all, 3}, scratch.whole);
  const Region quarter{size.height / 2, size.width / 2, size.height - size.height / 2,
                       size.width - size.width / 2};
  for (const Region& region : {all, quarter}) {
    session.open_with_hint(image(scratch.stored), hint);
    session.decode({region, 3}, scratch.part);
    if (!same_pixels(scratch.whole, scratch.part, region)) return "its pixels differ";
  }
  return {};
}

std::string PackVerifier::compare(std::uint64_t position, Scratch& scratch) const {
  const auto header = pack::load<pack::RecordHeader>(scratch.stored, 0);
  if (header.position != position) return "another record lies there";
  if (header.source >= static_cast<std::uint64_t>(dataset_.size())) return "it has no source";
  try {
    maker_.make(static_cast<std::int64_t>(header.source), scratch.maker, scratch.expected);
    maker_.seal(position, scratch.expected);
    if (scratch.expected != scratch.stored) return "it is not what its source would become";
    return compare_pixels(scratch);
  } catch (const Error& error) {
    return std::string("its source cannot be compared: ") + error.what();
  }
}

void PackVerifier::check(std::int64_t position, Scratch& scratch) const {
  throw_if_stopped();
  const pack::Entry& entry = file_.table()[static_cast<std::size_t>(position)];
  scratch.stored.resize(entry.bytes);
  file_.part(entry).read(entry.offset(), scratch.stored);
  const std::string wrong = compare(static_cast<std::uint64_t>(position), scratch);
  if (wrong.empty()) return;
  throw Error(ErrorCode::corrupt_data,
              file_.path().string() + ": record " + std::to_string(position) + " at byte " +
                  std::to_string(entry.offset()) + " of " + file_.part(entry).path().string() +
                  ": " + wrong + "; pack the data again with --overwrite");
}

// Sources ascend: each is there once, and who is missing cannot be packed.
void PackVerifier::check_sources() const {
  std::int64_t next = 0;
  auto scratch = maker_.make_scratch();
  std::vector<std::byte> made;
  const auto must_fail = [&](std::int64_t end) {
    for (; next < end; ++next) {
      try {
        maker_.make(next, scratch, made);
      } catch (const Error&) {
        continue;
      }
      throw Error(ErrorCode::corrupt_data, file_.path().string() + " lacks " + dataset_.key(next) +
                                               ": pack the data again with --overwrite");
    }
  };
  for (const pack::Entry& entry : file_.table()) {
    std::array<std::byte, sizeof(pack::RecordHeader)> bytes{};
    file_.part(entry).read(entry.offset(), bytes);
    const auto source = static_cast<std::int64_t>(pack::load<pack::RecordHeader>(bytes, 0).source);
    if (source < next || source >= dataset_.size()) {
      throw Error(ErrorCode::corrupt_data,
                  file_.path().string() +
                      ": its records are not in order; pack the data again with "
                      "--overwrite");
    }
    must_fail(source);
    next = source + 1;
  }
  must_fail(dataset_.size());
}

std::int64_t PackVerifier::run() {
  if (file_.number() != maker_.number()) {
    throw Error(ErrorCode::invalid_argument,
                file_.path().string() + " is a pack of other data, or by other options");
  }
  const auto records = static_cast<std::int64_t>(file_.table().size());
  tbb::enumerable_thread_specific<Scratch> scratches([this] {
    Scratch scratch;
    scratch.maker = maker_.make_scratch();
    scratch.session = decoder_->session();
    return scratch;
  });
  constexpr std::int64_t grain = 16;
  std::atomic<std::int64_t> done{0};
  std::mutex mutex;
  HandOver hand_over;
  const auto task = hand_over.task([&](std::int64_t piece) {
    Scratch& scratch = scratches.local();
    const std::int64_t end = std::min((piece + 1) * grain, records);
    for (std::int64_t i = piece * grain; i < end; ++i) check(i, scratch);
    const std::int64_t count = done += end - piece * grain;
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (lock && options_.progress) options_.progress(count);
  });
  tbb::task_arena arena(options_.threads > 0 ? options_.threads : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(std::int64_t{0}, (records + grain - 1) / grain, task); });
  hand_over.take_back();
  check_sources();
  return records;
}

}  // namespace

std::int64_t verify_pack(const Dataset& dataset, const std::filesystem::path& path,
                         const PackOptions& options) {
  return PackVerifier(dataset, path, options).run();
}

}  // namespace headrace
