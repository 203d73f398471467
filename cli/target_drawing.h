#pragma once

#include <cstdint>
#include <vector>

#include "headrace/cli/contact_sheet.h"
#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/image.h"

namespace headrace::cli {

// The pictures of a batch's row of u8 images [height, width, 1 or 3]: the image, with masks as a
// veil of a colour for each class but 0, boxes with their classes, and points drawn on it; and then
// each second image. `info` is of the data that the batch was made of.
std::vector<Image> draw_row(const Batch& batch, const DatasetInfo& info, std::int64_t row);

}  // namespace headrace::cli
