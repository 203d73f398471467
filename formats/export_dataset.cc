#include "headrace/formats/export_dataset.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "headrace/formats/export_layout.h"
#include "headrace/formats/file_reader.h"
#include "headrace/formats/list_parser.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view stamp_name = ".headrace-export";

// -1 if there is no file.
std::int64_t size_of_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return -1;
  return static_cast<std::int64_t>(status.st_size);
}

std::string text_of(const fs::path& path) {
  if (size_of_file(path) <= 0) return {};
  std::vector<std::byte> buffer;
  const auto bytes = FileReader().read(path.c_str(), buffer);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw io_error("cannot make folder " + folder.string(), error.value());
}

std::size_t image_field(const Dataset& dataset) {
  const auto& fields = dataset.info().fields;
  const auto field = std::find_if(fields.begin(), fields.end(), [](const DatasetField& f) {
    return f.kind == FieldKind::encoded_image || f.kind == FieldKind::pixels;
  });
  if (field == fields.end()) {
    throw Error(ErrorCode::invalid_argument,
                dataset.info().name + " has no images that could be exported");
  }
  return static_cast<std::size_t>(field - fields.begin());
}

fs::path images_folder(const ExportOptions& options) {
  if (!options.list.has_filename()) {
    throw Error(ErrorCode::invalid_argument,
                "'" + options.list.string() + "' does not name a list to write");
  }
  fs::path images =
      options.images.empty() ? fs::path("images") / options.list.stem() : options.images;
  if (images.native().find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorCode::invalid_argument,
                "a list cannot name images in a folder whose name breaks lines");
  }
  return images;
}

class Export {
 public:
  Export(const Dataset& dataset, const ImageEncoder& encode, const ExportOptions& options)
      : dataset_(dataset),
        encode_(encode),
        options_(options),
        image_field_(image_field(dataset)),
        base_(options.list.parent_path()),
        images_(base_ / images_folder(options)),
        layout_(dataset, images_folder(options).generic_string(), options.class_folders),
        stamp_("1 " + to_hex(fingerprint())),
        failures_(options.on_error, options.error_budget, dataset.size()),
        paths_(static_cast<std::size_t>(dataset.size())) {
    if (options.on_error == ErrorPolicy::blank) {
      throw Error(ErrorCode::invalid_argument,
                  "an export cannot leave images blank: skip them, or fail");
    }
  }

  ExportResult run();

 private:
  std::uint64_t fingerprint() const;
  // Of an export that is there and complete, its images.
  std::optional<std::int64_t> complete_images(const std::string& stamp) const;
  std::string complete_stamp(std::string_view list) const {
    return stamp_ + " complete " + to_hex(Fingerprint().add(list).value()) + "\n";
  }
  void prepare_folders(const std::string& stamp);
  void export_record(std::int64_t index, Record& record, std::vector<std::byte>& encoded);
  std::span<const std::byte> image_of(std::int64_t index, Record& record,
                                      std::vector<std::byte>& encoded);
  void write_image(const std::string& path, std::span<const std::byte> bytes);
  void count_done(std::int64_t images);

  const Dataset& dataset_;
  const ImageEncoder& encode_;
  const ExportOptions& options_;
  std::size_t image_field_;
  fs::path base_;    // what the list's paths are relative to
  fs::path images_;  // with base_
  ExportLayout layout_;
  std::string stamp_;  // of this data set and these options
  FailureLog failures_;
  bool resumes_ = false;
  std::vector<std::string> paths_;  // of the images, as the list names them; "": left out
  std::atomic<std::int64_t> written_{0};
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::int64_t> done_{0};
  std::mutex progress_mutex_;
};

std::uint64_t Export::fingerprint() const {
  Fingerprint all;
  all.add(dataset_.fingerprint()).add(dataset_.size()).add(options_.encoder_fingerprint);
  all.add(std::string_view(options_.suffix)).add(options_.class_folders);
  if (options_.on_error != ErrorPolicy::fail) all.add(options_.on_error);
  return all.value();
}

std::optional<std::int64_t> Export::complete_images(const std::string& stamp) const {
  const std::string list = text_of(options_.list);
  if (list.empty() || stamp != complete_stamp(list)) return std::nullopt;
  const auto bytes = std::as_bytes(std::span(list));
  const ImageFileTable table =
      parse_list(std::vector<std::byte>(bytes.begin(), bytes.end()), options_.list.string(), {});
  const bool all = std::all_of(table.rows.begin(), table.rows.end(), [&](const ImageFileRow& row) {
    return size_of_file(base_ / table.path(row)) > 0;
  });
  if (!all) return std::nullopt;
  return static_cast<std::int64_t>(table.rows.size());
}

void Export::prepare_folders(const std::string& stamp) {
  std::error_code ignored;
  if (stamp.empty() && fs::exists(images_, ignored) && !fs::is_empty(images_, ignored)) {
    throw Error(ErrorCode::invalid_argument,
                images_.string() +
                    " is there already and was not written by an export; give "
                    "another folder, or remove it");
  }
  make_folder(images_);
  std::set<std::int64_t> labels;
  for (std::int64_t i = 0; i < dataset_.size(); ++i) labels.insert(dataset_.label(i));
  for (const std::int64_t label : labels) make_folder(base_ / layout_.folder_of(label));
  resumes_ = stamp.starts_with(stamp_);
  write_file(images_ / stamp_name, stamp_ + "\n");
}

void Export::write_image(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(base_ / path);
  file.write(bytes);
  file.commit(AtomicFile::Durability::buffered);
  written_ += 1;
  bytes_ += static_cast<std::int64_t>(bytes.size());
}

// Names the image's path, and returns what is to be written there; nothing if that is there.
std::span<const std::byte> Export::image_of(std::int64_t index, Record& record,
                                            std::vector<std::byte>& encoded) {
  std::string& path = paths_[static_cast<std::size_t>(index)];
  if (dataset_.info().fields[image_field_].kind == FieldKind::encoded_image) {
    dataset_.read(index, record);
    const std::span<const std::byte> bytes = record.values[image_field_].bytes;
    const std::string_view suffix = image_suffix_of(bytes);
    if (suffix.empty()) {
      throw Error(ErrorCode::corrupt_data, "this is not an image file of a known kind");
    }
    path = layout_.path_of(index, suffix);
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (resumes_ && size_of_file(base_ / path) == size) return {};
    return bytes;
  }
  const std::string wanted = layout_.path_of(index, options_.suffix);
  if (!resumes_ || size_of_file(base_ / wanted) <= 0) {
    dataset_.read(index, record);
    encoded.clear();
    encode_(record.values[image_field_].pixels, encoded);
  } else {
    encoded.clear();
  }
  path = wanted;
  return encoded;
}

void Export::export_record(std::int64_t index, Record& record, std::vector<std::byte>& encoded) {
  std::span<const std::byte> bytes;
  try {
    bytes = image_of(index, record, encoded);
  } catch (const Error& error) {
    const std::string key = dataset_.key(index);
    if (options_.on_error == ErrorPolicy::fail || !is_of_the_data(error.code())) {
      throw error.with_context(key);
    }
    failures_.add(index, key, error, true);
    failures_.count_replaced();
    return;
  }
  if (!bytes.empty()) write_image(paths_[static_cast<std::size_t>(index)], bytes);
}

void Export::count_done(std::int64_t images) {
  const std::int64_t done = done_ += images;
  if (!options_.progress) return;
  const std::unique_lock lock(progress_mutex_, std::try_to_lock);
  if (lock) options_.progress(done);
}

ExportResult Export::run() {
  const fs::path stamp_path = images_ / stamp_name;
  const std::string stamp = text_of(stamp_path);
  if (stamp.starts_with(stamp_)) {
    if (const auto images = complete_images(stamp)) return {0, *images, 0, {}};
  }
  prepare_folders(stamp);

  constexpr std::int64_t grain = 64;
  HandOver hand_over;
  const auto task = hand_over.task([this](std::int64_t piece) {
    const std::int64_t begin = piece * grain;
    const std::int64_t end = std::min(begin + grain, dataset_.size());
    Record record;
    std::vector<std::byte> encoded;
    for (std::int64_t i = begin; i != end; ++i) {
      if (options_.stop && *options_.stop) {
        throw Error(ErrorCode::cancelled,
                    "the export was stopped; the same export goes on where it stopped");
      }
      export_record(i, record, encoded);
    }
    count_done(end - begin);
  });
  const std::int64_t pieces = (dataset_.size() + grain - 1) / grain;
  tbb::task_arena arena(options_.threads > 0 ? options_.threads : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(std::int64_t{0}, pieces, task); });
  hand_over.take_back();

  std::int64_t images = 0;
  std::string list = layout_.header() + "\n";
  for (std::int64_t i = 0; i < dataset_.size(); ++i) {
    const std::string& path = paths_[static_cast<std::size_t>(i)];
    if (path.empty()) continue;
    list += layout_.row_of(i, path) + "\n";
    ++images;
  }
  write_file(options_.list, list);
  write_file(stamp_path, complete_stamp(list));
  return {written_, images - written_, bytes_, failures_.report()};
}

}  // namespace

ExportResult export_dataset(const Dataset& dataset, const ImageEncoder& encode,
                            const ExportOptions& options) {
  return Export(dataset, encode, options).run();
}

}  // namespace headrace
