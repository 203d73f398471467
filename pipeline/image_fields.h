#pragma once

#include <cstddef>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// What the fields of a data set become in a batch, for ImageSequence (not installed).

// The batch's field.
FieldSpec batch_field(const DatasetField& field, const Augmenter& augmenter);

// The index of the one image among the fields; those that move with it do not count.
// Throws Error{invalid_argument} if there is none, or more than one.
std::size_t find_image(const DatasetInfo& info);

// Throws Error{invalid_argument} unless the image field can be turned into pixels of so many
// channels. `decoder` may be null.
void check_image(const DatasetInfo& info, const DatasetField& field, const Decoder* decoder,
                 int channels);

// Opens an image file. Throws as the session does, and Error{corrupt_data} for an orientation that
// there is not.
ImageInfo open_image(DecodeSession& session, const RecordValue& value);

}  // namespace headrace
