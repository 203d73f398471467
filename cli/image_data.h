#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/image_sequence.h"

namespace headrace::cli {

// A data set of images, and what decodes them.
struct ImageData {
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const Decoder> decoder;

  std::int64_t size() const { return dataset->size(); }
  const std::vector<std::string>& classes() const { return dataset->info().classes; }
};

// Opens what `location` says; see open_dataset(). `classes` are those that labels must belong to,
// {} for the data's own.
ImageData open_images(const std::string& location, const std::string& root,
                      const std::vector<std::string>& classes = {},
                      const DecodeOptions& decoding = {});

// Throws Error{invalid_argument} naming the data if its records have no labels.
void require_labels(const ImageData& data);

// The shape of the pixels of an array, or of the first image file, upright; its channels are 1 or
// 3. Throws Error naming the file if it cannot be read.
ImageShape natural_shape(const ImageData& data);

// "28", "28x32" (height x width) or "28x32x3"; what is not said is taken from `natural`.
// Throws Error{invalid_argument} saying what would do.
ImageShape parse_image_size(const std::string& text, const ImageShape& natural);

// "28 x 28 x 1".
std::string to_text(const ImageShape& shape);

// The samples that a recipe makes of the images.
std::shared_ptr<const ImageSequence> make_sequence(const ImageData& data, const Recipe& recipe,
                                                   const ImageSequenceOptions& options);
// The same of a recipe that was made already.
std::shared_ptr<const ImageSequence> make_sequence(const ImageData& data,
                                                   std::shared_ptr<const Augmenter> augmenter,
                                                   const ImageSequenceOptions& options);

}  // namespace headrace::cli
