#pragma once

#include <cstddef>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// What the fields of a data set become in a batch, for ImageSequence (not installed).

// The batch's field; `image` is what an image becomes.
FieldSpec batch_field(const DatasetField& field, const FieldSpec& image);

// The index of the one image among the fields.
// Throws Error{invalid_argument} if there is none, or more than one.
std::size_t find_image(const DatasetInfo& info);

// Throws Error{invalid_argument} unless the image field can be turned into pixels of so many
// channels. `decoder` may be null.
void check_image(const DatasetInfo& info, const DatasetField& field, const Decoder* decoder,
                 int channels);

}  // namespace headrace
