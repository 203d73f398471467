#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/targets.h"

namespace headrace {

// Images and labels in memory, row-major: x and y of Keras' fit(x, y). Only views: nothing is
// copied.
struct ImageArrays {
  ImageShape shape = {};  // of one image
  // Images [n, height, width, channels]: exactly one of the two.
  std::span<const std::uint8_t> u8_pixels = {};
  std::span<const float> f32_pixels = {};
  // At most one of the two: class indices [n], or one-hot or soft targets [n, classes].
  std::span<const std::int32_t> labels = {};
  std::span<const float> targets = {};
  // What moves with the images (targets.h), as many for each as the count is divided by the images.
  ImageSize mask_size = {};                  // {}: that of the images
  std::span<const std::uint8_t> masks = {};  // [n, height, width], of classes
  std::span<const Box> boxes = {};           // [n, most]; Box{} where an image has fewer
  std::span<const KeyPoint> points = {};     // [n, most]; so too
  // Second images, of the same type as the images: [n, height, width, channels].
  ImageShape second_shape = {};  // {}: that of the images
  std::span<const std::uint8_t> u8_seconds = {};
  std::span<const float> f32_seconds = {};
  // Names of the classes; may be left empty.
  std::vector<std::string> classes = {};
  // For messages.
  std::string name = "memory";
  // Keeps the memory of the spans alive as long as the data set. Null: the caller does.
  std::shared_ptr<const void> owner = {};
};

// A data set of arrays in memory. Records: "image" (pixels) and, if there are any, "label"
// (class_label, or f32 values {classes} from targets), then "mask", "boxes", "points" and "image2"
// of what is given. Values are not copied on reading, so the arrays must not change while the data
// set is in use.
class ArrayDataset final : public Dataset {
 public:
  // Throws Error{invalid_argument} if counts or types do not fit, there is no image, or a label is
  // negative or has no class.
  explicit ArrayDataset(ImageArrays arrays);

  std::int64_t size() const override { return size_; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override;
  // With targets: the index of the largest.
  std::int64_t label(std::int64_t index) const override;
  std::string key(std::int64_t index) const override;  // "memory: record 812"
  // Of all pixels and labels; computed when first asked for.
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override { return fingerprint(); }

 private:
  // A field beside image and label.
  struct Beside {
    std::span<const std::byte> bytes;  // of all records
    std::size_t record_bytes = 0;
    ImageShape shape;  // of pixels
    ElementType type = ElementType::u8;
  };
  void add_beside();
  void add_pixels(const char* name, FieldTarget target, std::span<const std::byte> bytes,
                  const ImageShape& shape, ElementType type);
  void add_numbers(const char* name, FieldTarget target, std::span<const std::byte> bytes,
                   std::size_t each);

  ImageArrays arrays_;
  DatasetInfo info_;
  std::int64_t size_ = 0;
  std::size_t target_count_ = 0;  // in a row of targets
  std::vector<Beside> beside_;    // the last fields
  mutable std::once_flag fingerprint_once_;
  mutable std::uint64_t fingerprint_ = 0;
};

}  // namespace headrace
