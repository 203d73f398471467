#include "headrace/formats/pack_record.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/orientation.h"

namespace headrace::pack {
namespace {

constexpr int quality_after_resize = 95;

bool is_image(const DatasetField& field) {
  return field.kind == FieldKind::encoded_image || field.kind == FieldKind::pixels;
}

void append(std::vector<std::byte>& into, std::span<const std::byte> bytes) {
  into.insert(into.end(), bytes.begin(), bytes.end());
}

void align(std::vector<std::byte>& into) { into.resize(aligned(into.size(), data_alignment)); }

std::size_t row_bytes(const ImageView& view) {
  return static_cast<std::size_t>(view.shape.width) *
         static_cast<std::size_t>(view.shape.channels) * size_of(view.type);
}

void append_pixels(std::vector<std::byte>& into, const ImageView& view) {
  for (int y = 0; y < view.shape.height; ++y) {
    append(into, std::span(view.row<std::byte>(y), row_bytes(view)));
  }
}

std::uint16_t extent(int value) {
  if (value < 1 || value > std::numeric_limits<std::uint16_t>::max()) {
    throw Error(ErrorCode::unsupported, std::to_string(value) +
                                            " pixels on a side: a pack holds up to 65,535 as they "
                                            "are; resize, or encode them");
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

// What a field of a record holds: bytes, or pixels if they are there.
struct RecordMaker::Value {
  std::span<const std::byte> bytes;
  std::span<const std::byte> hint;
  ImageView pixels;
};

RecordMaker::RecordMaker(const Dataset& dataset, const PackOptions& options)
    : dataset_(dataset), options_(options), decoder_(make_image_decoder()) {
  const auto& fields = dataset.info().fields;
  const auto found = std::find_if(fields.begin(), fields.end(), is_image);
  if (found == fields.end() || fields.size() > most_fields) {
    throw Error(ErrorCode::invalid_argument, dataset.info().name + ": there are no images to pack");
  }
  image_ = static_cast<std::size_t>(found - fields.begin());
  check(*found);
  const bool decodes = options.raw && found->kind == FieldKind::encoded_image;
  changes_ = decodes || options.quality != 0 || options.resize != nullptr;
  Fingerprint hash;
  hash.add(magic).add(dataset.fingerprint()).add(dataset.size()).add(options.part_bytes);
  if (changes_) {
    hash.add(options.raw).add(options.channels).add(options.quality);
    hash.add(options.resize != nullptr).add(options.resize_fingerprint);
    hash.add(decoder_->fingerprint());
  }
  number_ = hash.value();
}

void RecordMaker::check(const DatasetField& field) const {
  const auto refuse = [&](ErrorCode code, const std::string& why) {
    throw Error(code, dataset_.info().name + ": " + why);
  };
  if (options_.raw && options_.quality != 0) {
    refuse(ErrorCode::invalid_argument, "raw pixels have no quality: choose one of the two");
  }
  if (options_.quality < 0 || options_.quality > 100) {
    refuse(ErrorCode::invalid_argument, "a quality is 1 to 100");
  }
  if (options_.channels != 1 && options_.channels != 3) {
    refuse(ErrorCode::invalid_argument, "images can be decoded to 1 or 3 channels");
  }
  const bool anew = options_.quality != 0 || options_.resize != nullptr;
  for (const DatasetField& other : dataset_.info().fields) {
    const bool places = other.target == FieldTarget::boxes || other.target == FieldTarget::points;
    if (places && options_.resize != nullptr) {
      refuse(ErrorCode::unsupported, "\"" + other.name +
                                         "\" says where things are in images of their size: pack "
                                         "them without resizing");
    }
  }
  if (field.kind != FieldKind::pixels || !anew) return;
  const bool usual = field.shape.size() == 3 && (field.shape[2] == 1 || field.shape[2] == 3);
  if (field.type != ElementType::u8 || !usual) {
    refuse(ErrorCode::unsupported,
           "only u8 pixels of 1 or 3 channels can be resized or encoded: pack them as they are");
  }
}

RecordMaker::Scratch RecordMaker::make_scratch() const {
  Scratch scratch;
  scratch.record.values.resize(dataset_.info().fields.size());
  scratch.session = decoder_->session();
  return scratch;
}

std::vector<DatasetField> RecordMaker::fields(std::span<const std::byte> record) const {
  std::vector<DatasetField> fields = dataset_.info().fields;
  DatasetField& image = fields[image_];
  const auto header = load<RecordHeader>(record, 0);
  const auto stored =
      load<FieldHeader>(record, sizeof header + header.key_bytes + image_ * sizeof(FieldHeader));
  const bool pixels = stored.height != 0;
  if (changes_) image.type = ElementType::u8;
  image.kind = pixels ? FieldKind::pixels : FieldKind::encoded_image;
  image.shape.clear();
  if (pixels) image.shape = {stored.height, stored.width, stored.channels};
  return fields;
}

// The upright pixels of an image file.
ImageView RecordMaker::decode(std::span<const std::byte> file, Scratch& scratch) const {
  const ImageInfo info = scratch.session->open(file);
  const ImageSize size = info.shape.size();
  const int channels = options_.raw ? options_.channels : info.shape.channels <= 2 ? 1 : 3;
  scratch.session->decode({{0, 0, size.height, size.width}, channels}, scratch.decoded);
  if (info.orientation == 1) return scratch.decoded.view();
  make_upright(scratch.decoded.view(), info.orientation, scratch.upright);
  return scratch.upright.view();
}

RecordMaker::Value RecordMaker::changed_image(const ImageView& pixels, Scratch& scratch) const {
  ImageView view = pixels;
  if (options_.resize != nullptr) {
    options_.resize(view, scratch.resized);
    view = scratch.resized.view();
  }
  const bool were_pixels = dataset_.info().fields[image_].kind == FieldKind::pixels;
  Value value;
  if (options_.raw || (were_pixels && options_.quality == 0)) {
    value.pixels = view;
    return value;
  }
  encode_jpeg(view, options_.quality != 0 ? options_.quality : quality_after_resize,
              scratch.encoded);
  value.bytes = scratch.encoded;
  return value;
}

RecordMaker::Value RecordMaker::image_of(Scratch& scratch) const {
  const RecordValue& source = scratch.record.values[image_];
  const bool encoded = dataset_.info().fields[image_].kind == FieldKind::encoded_image;
  Value value;
  if (changes_) {
    value = changed_image(encoded ? decode(source.bytes, scratch) : source.pixels, scratch);
  } else {
    value = {source.bytes, {}, source.pixels};
    if (encoded) value.pixels = {};
  }
  if (value.pixels.data == nullptr && make_seek_hint(value.bytes, scratch.points, scratch.hint)) {
    value.hint = scratch.hint;
  }
  return value;
}

bool RecordMaker::make(std::int64_t index, Scratch& scratch, std::vector<std::byte>& into) const {
  dataset_.read(index, scratch.record);
  std::string key = dataset_.key(index);
  if (key.size() > most_key_bytes) key.resize(most_key_bytes);
  const std::size_t count = dataset_.info().fields.size();
  RecordHeader header;
  header.source = static_cast<std::uint64_t>(index);
  header.key_bytes = static_cast<std::uint32_t>(key.size());
  header.label = static_cast<std::int32_t>(dataset_.label(index));
  header.fields = static_cast<std::uint32_t>(count);

  into.clear();
  into.resize(sizeof header);
  append(into, std::as_bytes(std::span(key)));
  const std::size_t headers = into.size();
  into.resize(headers + count * sizeof(FieldHeader));
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max() - 4096;
  bool indexed = false;
  for (std::size_t i = 0; i < count; ++i) {
    const RecordValue& source = scratch.record.values[i];
    const bool pixels = dataset_.info().fields[i].kind == FieldKind::pixels;
    const Value value = i == image_ ? image_of(scratch)
                        : pixels    ? Value{{}, {}, source.pixels}
                                    : Value{source.bytes, {}, {}};
    FieldHeader stored;
    align(into);
    const std::size_t begin = into.size();
    if (value.pixels.data != nullptr) {
      stored.height = extent(value.pixels.shape.height);
      stored.width = extent(value.pixels.shape.width);
      stored.channels = extent(value.pixels.shape.channels);
      into.reserve(begin + row_bytes(value.pixels) * stored.height + 64);
      append_pixels(into, value.pixels);
    } else {
      append(into, value.bytes);
    }
    if (into.size() + value.hint.size() > most) {
      throw Error(ErrorCode::unsupported, "more than 4 GB: a pack has no place for such a record");
    }
    stored.bytes = static_cast<std::uint32_t>(into.size() - begin);
    stored.hint_bytes = static_cast<std::uint32_t>(value.hint.size());
    append(into, value.hint);
    indexed |= !value.hint.empty();
    std::memcpy(into.data() + headers + i * sizeof stored, &stored, sizeof stored);
  }
  into.resize(into.size() + sizeof(std::uint64_t));
  header.bytes = static_cast<std::uint32_t>(into.size());
  std::memcpy(into.data(), &header, sizeof header);
  return indexed;
}

void RecordMaker::seal(std::uint64_t position, std::span<std::byte> record) const {
  auto header = load<RecordHeader>(record, 0);
  header.position = position;
  const std::string_view key(reinterpret_cast<const char*>(record.data()) + sizeof header,
                             header.key_bytes);
  pack::seal(header, key, number_);
  std::memcpy(record.data(), &header, sizeof header);
  const std::size_t end = record.size() - sizeof(std::uint64_t);
  const std::uint64_t check = check_of(record.first(end), number_);
  std::memcpy(record.data() + end, &check, sizeof check);
}

}  // namespace headrace::pack
