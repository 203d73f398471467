#include "headrace/formats/hdf5_export.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "headrace/formats/hdf5_file.h"
#include "headrace/formats/label_names.h"
#include "headrace/pipeline/failure_log.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

// The file while it is not whole; gone unless it is kept.
class PartialFile {
 public:
  explicit PartialFile(const fs::path& path)
      : place_(path), path_(path.string() + ".partial"), file_(create_hdf5_file(path_.string())) {}
  ~PartialFile() {
    file_.reset();
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  template <class Call>
  void write(Call call) {
    writing_hdf5(path_.string(), [&] { call(*file_); });
  }
  void keep() {
    write([](hdf5::NewFile& file) { file.close(); });
    file_.reset();
    const int descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int why = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!synced) throw io_error("cannot write " + path_.string(), why);
    std::error_code error;
    fs::rename(path_, place_, error);
    if (error) throw io_error("cannot put " + place_.string() + " in its place", error.value());
  }

 private:
  fs::path place_;
  fs::path path_;
  std::unique_ptr<hdf5::NewFile> file_;
};

class Hdf5Export {
 public:
  Hdf5Export(const Dataset& dataset, const fs::path& path, const Hdf5ExportOptions& options)
      : dataset_(dataset),
        options_(options),
        path_(path),
        failures_(options.on_error, options.error_budget, dataset.size()) {
    const auto& fields = dataset.info().fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const FieldKind kind = fields[i].kind;
      const bool image = kind == FieldKind::encoded_image || kind == FieldKind::pixels;
      if (image && image_ == none) image_ = i;
      if (kind == FieldKind::values && fields[i].type == ElementType::f32 && values_ == none) {
        values_ = i;
      }
    }
    labelled_ = std::any_of(fields.begin(), fields.end(), [](const DatasetField& field) {
      return field.kind == FieldKind::class_label;
    });
    if (image_ == none || dataset.size() == 0) refuse("has no images that could be exported");
    if (options.on_error == ErrorPolicy::blank) {
      refuse("an export cannot leave images blank: skip them, or fail");
    }
    if (!options.overwrite && fs::exists(path)) {
      throw Error(ErrorCode::invalid_argument,
                  path.string() + ": is there already: give another name, or --overwrite");
    }
  }

  Hdf5ExportResult run() {
    PartialFile file(path_);
    Record record;
    for (std::int64_t i = 0; i < dataset_.size(); ++i) {
      if (options_.stop != nullptr && *options_.stop) {
        throw Error(ErrorCode::cancelled, "the export was stopped; nothing is kept of it");
      }
      export_record(i, record, file);
      if (options_.progress && (i % 64 == 0 || i + 1 == dataset_.size())) options_.progress(i + 1);
    }
    if (images_ == 0) refuse("none of its images could be read");
    write_labels(file);
    file.keep();
    return {images_, static_cast<std::int64_t>(fs::file_size(path_)), failures_.report()};
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::invalid_argument, dataset_.info().name + ": " + what);
  }
  bool is_pixels() const { return dataset_.info().fields[image_].kind == FieldKind::pixels; }

  void export_record(std::int64_t index, Record& record, PartialFile& file) {
    std::span<const std::byte> bytes;
    try {
      if (labelled_ && dataset_.label(index) < 0) {
        throw Error(ErrorCode::corrupt_data, "has no label, of which an array has one for each");
      }
      dataset_.read(index, record);
      bytes = is_pixels() ? pixels_of(record.values[image_].pixels) : record.values[image_].bytes;
    } catch (const Error& error) {
      const std::string key = dataset_.key(index);
      if (options_.on_error == ErrorPolicy::fail || !is_of_the_data(error.code())) {
        throw error.with_context(key);
      }
      failures_.add(index, key, error, true);
      failures_.count_replaced();
      return;
    }
    file.write([&](hdf5::NewFile& into) {
      if (images_ == 0) begin(record, into);
      into.append_image(bytes);
    });
    ++images_;
    if (labelled_) labels_.push_back(dataset_.label(index));
    if (!labelled_ && values_ != none) {
      const auto* const values =
          reinterpret_cast<const float*>(record.values[values_].bytes.data());
      columns_ = static_cast<std::int64_t>(record.values[values_].bytes.size() / sizeof(float));
      numbers_.insert(numbers_.end(), values, values + columns_);
    }
  }

  void begin(const Record& record, hdf5::NewFile& into) const {
    std::vector<std::int64_t> shape;
    bool reals = false;
    if (is_pixels()) {
      const ImageView& pixels = record.values[image_].pixels;
      shape = {pixels.shape.height, pixels.shape.width, pixels.shape.channels};
      reals = pixels.type == ElementType::f32;
    }
    into.begin_images("images", shape, reals);
  }

  // In one piece.
  std::span<const std::byte> pixels_of(const ImageView& pixels) {
    if (images_ == 0) shape_ = pixels.shape;
    if (pixels.shape != shape_) {
      throw Error(ErrorCode::unsupported,
                  "images are of different sizes, and an array has one: pack them with --raw and "
                  "--resize HEIGHTxWIDTH, and export the pack");
    }
    const std::size_t row = static_cast<std::size_t>(shape_.width) *
                            static_cast<std::size_t>(shape_.channels) * size_of(pixels.type);
    const auto height = static_cast<std::size_t>(shape_.height);
    if (pixels.row_bytes == row) return {pixels.data, row * height};
    packed_.resize(row * height);
    for (std::size_t y = 0; y < height; ++y) {
      std::copy_n(pixels.data + y * pixels.row_bytes, row, packed_.data() + y * row);
    }
    return packed_;
  }

  // Whether names of classes, read again, are these classes in this order.
  bool come_back_as_names() const {
    const auto& classes = dataset_.info().classes;
    const std::set<std::int64_t> used(labels_.begin(), labels_.end());
    return used.size() == classes.size() && std::is_sorted(classes.begin(), classes.end()) &&
           std::none_of(classes.begin(), classes.end(), [](const std::string& name) {
             return name.empty() || is_whole_number(name);
           });
  }

  void write_labels(PartialFile& file) const {
    file.write([this](hdf5::NewFile& into) {
      if (!labelled_) {
        if (!numbers_.empty()) into.write("labels", numbers_, columns_);
      } else if (come_back_as_names()) {
        std::vector<std::string> names;
        for (const std::int64_t label : labels_) {
          names.push_back(dataset_.info().classes[static_cast<std::size_t>(label)]);
        }
        into.write("labels", names);
      } else {
        into.write("labels", labels_);
      }
    });
  }

  const Dataset& dataset_;
  const Hdf5ExportOptions& options_;
  fs::path path_;
  FailureLog failures_;
  std::size_t image_ = none;   // fields
  std::size_t values_ = none;  // that are labels
  bool labelled_ = false;
  std::int64_t images_ = 0;
  ImageShape shape_;
  std::vector<std::byte> packed_;
  std::vector<std::int64_t> labels_;
  std::vector<float> numbers_;
  std::int64_t columns_ = 0;
};

}  // namespace

Hdf5ExportResult export_hdf5(const Dataset& dataset, const fs::path& path,
                             const Hdf5ExportOptions& options) {
  return Hdf5Export(dataset, path, options).run();
}

}  // namespace headrace
