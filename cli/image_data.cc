#include "headrace/cli/image_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

std::size_t image_field(const Dataset& dataset) {
  const auto& fields = dataset.info().fields;
  const auto found = std::find_if(fields.begin(), fields.end(), [](const DatasetField& field) {
    return field.kind == FieldKind::encoded_image || field.kind == FieldKind::pixels;
  });
  if (found == fields.end())
    throw Error(ErrorCode::invalid_argument, dataset.info().name + ": holds no images");
  return static_cast<std::size_t>(found - fields.begin());
}

ImageShape shape_of_file(const ImageData& data, std::size_t field) {
  Record record;
  try {
    data.dataset->read(0, record);
    const auto session = data.decoder->session();
    ImageInfo info = session->open(record.values.at(field).bytes);
    constexpr int first_transposed_orientation = 5;
    if (info.orientation >= first_transposed_orientation)
      std::swap(info.shape.height, info.shape.width);
    return {info.shape.height, info.shape.width, info.shape.channels <= 2 ? 1 : 3};
  } catch (const Error& error) {
    throw error.with_context(data.dataset->key(0));
  }
}

// Of the first record, where records differ.
ImageShape shape_of_pixels(const ImageData& data, std::size_t field) {
  Record record;
  try {
    data.dataset->read(0, record);
  } catch (const Error& error) {
    throw error.with_context(data.dataset->key(0));
  }
  return record.values.at(field).pixels.shape;
}

}  // namespace

ImageData open_images(const std::string& location, const std::string& root,
                      const std::vector<std::string>& classes, const DecodeOptions& decoding) {
  DataOptions options;
  options.root = root;
  options.classes = classes;
  return {open_dataset(location, options), make_image_decoder(decoding)};
}

void require_labels(const ImageData& data) {
  if (!data.classes().empty()) return;
  throw Error(ErrorCode::invalid_argument,
              data.dataset->info().name +
                  ": has no labels: give a list with a label in each row, or a folder with a "
                  "folder of images for each class");
}

ImageShape natural_shape(const ImageData& data) {
  const std::size_t field = image_field(*data.dataset);
  const DatasetField& description = data.dataset->info().fields[field];
  if (description.kind == FieldKind::encoded_image) return shape_of_file(data, field);
  const auto& shape = description.shape;
  if (shape.at(0) == 0) return shape_of_pixels(data, field);
  return {static_cast<int>(shape.at(0)), static_cast<int>(shape.at(1)),
          static_cast<int>(shape.at(2))};
}

ImageShape parse_image_size(const std::string& text, const ImageShape& natural) {
  std::vector<int> extents;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    int value = 0;
    const auto [next, failure] = std::from_chars(at, end, value);
    const bool ends_well = next == end || (*next == 'x' && next + 1 < end);
    if (failure != std::errc() || value <= 0 || !ends_well) break;
    extents.push_back(value);
    at = next == end ? end : next + 1;
  }
  if (at != end || extents.empty() || extents.size() > 3) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--image-size {}: give 224, 224x320 (height x width), or 224x320x3 "
                            "(with channels)",
                            text));
  }
  ImageShape shape = natural;
  shape.height = extents[0];
  shape.width = extents.size() > 1 ? extents[1] : extents[0];
  if (extents.size() > 2) shape.channels = extents[2];
  return shape;
}

std::string to_text(const ImageShape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

std::shared_ptr<const ImageSequence> make_sequence(const ImageData& data, const Recipe& recipe,
                                                   const ImageSequenceOptions& options) {
  return make_sequence(data, recipe.make_augmenter(), options);
}

std::shared_ptr<const ImageSequence> make_sequence(const ImageData& data,
                                                   std::shared_ptr<const Augmenter> augmenter,
                                                   const ImageSequenceOptions& options) {
  return std::make_shared<ImageSequence>(data.dataset, data.decoder, std::move(augmenter), options);
}

}  // namespace headrace::cli
