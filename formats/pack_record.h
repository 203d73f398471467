#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/formats/pack_layout.h"
#include "headrace/formats/pack_writer.h"
#include "headrace/formats/seek_hint.h"
#include "headrace/pipeline/decoder.h"

namespace headrace::pack {

// Makes the records of a pack of those of a data set. Private to formats. Immutable; safe to use
// from many threads, each with a scratch of its own.
class RecordMaker {
 public:
  // Throws Error as write_pack() does.
  RecordMaker(const Dataset& dataset, const PackOptions& options);

  struct Scratch {
    Record record;
    std::unique_ptr<DecodeSession> session;
    SeekPointMaker points;
    Image decoded;
    Image upright;
    Image resized;
    std::vector<std::byte> encoded;
    std::vector<std::byte> hint;
  };
  Scratch make_scratch() const;

  // The pack's number: another for other data, options or versions.
  std::uint64_t number() const { return number_; }
  bool as_they_were() const { return !changes_; }
  // The index of the field that is the image.
  std::size_t image() const { return image_; }

  // The fields of a record: its pixels say what they are. Requires its headers and key.
  std::vector<DatasetField> fields(std::span<const std::byte> record) const;

  // Makes the record of source `index`, all but its position and checks. Returns whether its image
  // has seek points. Throws without the record's key.
  bool make(std::int64_t index, Scratch& scratch, std::vector<std::byte>& into) const;
  // What is left to do.
  void seal(std::uint64_t position, std::span<std::byte> record) const;

 private:
  struct Value;
  void check(const DatasetField& field) const;
  Value image_of(Scratch& scratch) const;
  Value changed_image(const ImageView& pixels, Scratch& scratch) const;
  ImageView decode(std::span<const std::byte> file, Scratch& scratch) const;

  const Dataset& dataset_;
  const PackOptions& options_;
  std::shared_ptr<const Decoder> decoder_;
  std::size_t image_ = 0;
  bool changes_ = false;  // images are made anew
  std::uint64_t number_ = 0;
};

}  // namespace headrace::pack
