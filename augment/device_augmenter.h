#pragma once

#include <memory>
#include <optional>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// A recipe's work divided between the host, which decodes, and draws the plans, and a GPU, which
// does the rest where that makes less cross the bus: the same pixels as recipe.make_augmenter(),
// bit for bit, and the same stream of samples, by fingerprint too.
//
// - Images that are all of one small size, as u8 pixels, cross as they are, each with its plan.
// With
//   `resident` they lie on the GPU, and plans cross alone.
// - Others are resampled on the host, and their levels cross.
// - Of f32 pixels, or where levels are not what is normalised, finished rows cross: then this is
//   recipe.make_augmenter(). Its device_stage()->text says what is done where.
//
// `image` is the data set's image field. Throws Error as Recipe::make_augmenter(), and
// Error{unsupported} with what stands against it if `resident` cannot be.
std::shared_ptr<const Augmenter> make_device_augmenter(const Recipe& recipe,
                                                       const DatasetField& image,
                                                       bool resident = false);

}  // namespace headrace
