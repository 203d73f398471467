#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace {

// What a field of a record holds.
enum class FieldKind {
  encoded_image,  // the bytes of an image file
  pixels,         // an image already decoded, or an array to be treated as one
  class_label,    // one i32, an index into DatasetInfo::classes
  values,         // numbers to be passed on as they are
};

// How a field moves with the image of its record (targets.h).
enum class FieldTarget : std::uint8_t {
  none,
  mask,    // encoded_image, or pixels of one channel: levels are classes
  pair,    // encoded_image or pixels: a second image, made the same of
  points,  // values, f32 {n, 3}: n times KeyPoint
  boxes,   // values, f32 {n, 6}: n times Box
};

struct DatasetField {
  std::string name;
  FieldKind kind = FieldKind::encoded_image;
  // Of pixels (u8 or f32) and values; ignored for encoded images, i32 for labels.
  ElementType type = ElementType::u8;
  // Of one record: {height, width, channels} for pixels ({0, 0, channels} where records differ in
  // height and width), {} for labels, any for values.
  std::vector<std::int64_t> shape;
  FieldTarget target = FieldTarget::none;
};

struct DatasetInfo {
  std::string name;                  // for messages: a path, or "memory"
  std::vector<DatasetField> fields;  // usually "image" and "label"
  std::vector<std::string> classes;  // empty if the labels have no known range

  // Throws Error{invalid_argument} naming the fields there are.
  std::size_t index_of(std::string_view field) const;
};

// One field of one record. Views point into the data set's own memory where it is resident, else
// into `buffer`, which is kept from record to record so that reading stops allocating.
struct RecordValue {
  std::span<const std::byte> bytes;  // encoded_image, class_label, values
  ImageView pixels;                  // pixels
  // Of an encoded image: what the data set knows beforehand of those bytes, for
  // DecodeSession::open_with_hint(). Data sets that know nothing leave it as it is: who uses it
  // clears it before reading (Record::clear_hints).
  std::span<const std::byte> hint;
  std::vector<std::byte> buffer;

  template <class T>
  void set_scalar(T value) {
    if (buffer.size() < sizeof(T)) buffer.resize(sizeof(T));
    std::memcpy(buffer.data(), &value, sizeof(T));
    bytes = {buffer.data(), sizeof(T)};
  }
};

// What Dataset::read fills: one value for each field of its info(), in that order. Reused from
// call to call by one thread at a time; its views hold until the next read into it.
struct Record {
  std::vector<RecordValue> values;

  void clear_hints() {
    for (RecordValue& value : values) value.hint = {};
  }
};

// A data set: a fixed number of records with random access, and nothing random about it.
// All functions are const and safe to call from many threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::int64_t size() const = 0;
  virtual const DatasetInfo& info() const = 0;

  // Reads record `index` into `into` (all fields). Requires 0 <= index < size().
  // Throws Error{io} or Error{corrupt_data} without the record's key: the caller adds it.
  virtual void read(std::int64_t index, Record& into) const = 0;

  // As read(), if that waits for no disk and no network; else false, at once, with `into` holding
  // nothing of use. May return false for a record that cannot be read at all: read() tells why.
  // What is true here is read on the threads that decode; what is false, on a loader's I/O threads.
  // A data set that is slow to read and cannot tell returns false.
  virtual bool try_read(std::int64_t index, Record& into) const {
    read(index, into);
    return true;
  }

  // Tells whoever will have to fetch the record that it will be read soon, and does not wait for
  // it. Returns the bytes that are now on their way; 0 if they are near already, or if there is
  // nobody to tell. Does not throw for a record that cannot be read.
  virtual std::size_t will_need(std::int64_t index) const {
    static_cast<void>(index);
    return 0;
  }

  // The class of a record, without touching its image; -1 if the data set has no labels.
  virtual std::int64_t label(std::int64_t index) const = 0;

  // What a person would look for to find the record: "train.csv:812: cats/812.jpg".
  virtual std::string key(std::int64_t index) const = 0;

  // A number that differs when the records differ, as far as that can be told without reading
  // their images (names, order, labels, sizes known).
  virtual std::uint64_t fingerprint() const = 0;

  // A number that differs when the content of any record does, as far as sizes and times of files
  // tell: what was computed from all records holds as long as it is the same. May cost a
  // microsecond or more for each file. Nothing if it is not known.
  virtual std::optional<std::uint64_t> content_fingerprint() const { return std::nullopt; }

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

}  // namespace headrace
