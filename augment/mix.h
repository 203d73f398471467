#pragma once

#include <cstdint>
#include <memory>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/sequence.h"

namespace headrace {

struct MixOptions {
  double mixup = 0;   // alpha of Beta(alpha, alpha), from which the shares are drawn; 0: never
  double cutmix = 0;  // the same; if both are given each sample takes one or the other by chance
  double probability = 1;      // of a sample being mixed at all
  std::int64_t classes = 0;    // labels, if there are any, become f32 vectors of so many
  double label_smoothing = 0;  // this share of every label is spread over all classes
  std::uint64_t seed = 0;
  Layout layout = Layout::nhwc;  // of the images
  // Partners are drawn among so many neighbours of the epoch's order. A task makes whole groups, so
  // that no image is made twice.
  std::int64_t group = 8;
};

// Samples of another sequence, each blended with a partner of the same epoch, and their labels with
// them. Whom, how much and where is a function of seed, epoch and position alone, so batches are
// the same at any number of threads or ranks.
//   mixup   share * own + (1 - share) * partner. Zhang et al., 2017; torchvision's MixUp, which has
//           one share a batch.
//   cutmix  a rectangle of the partner, of 1 - share of the area before it is clipped, its centre
//           uniform; labels by what it covers. Yun et al., 2019; torchvision's CutMix likewise.
//
// The source must have a field "image", f32 or u8 of three dimensions, and "label", an i32, or a
// mask instead of it. A field "image2" of the same shape is mixed as the image is. Masks (u8 of the
// image's height and width), which hold classes, are cut as the image is, and are refused with
// mixup; so are "boxes" and "points" with either. Other fields stay those of the sample. Throws
// Error{invalid_argument} if a field is not so, or if an option makes no sense, saying what would.
std::shared_ptr<const Sequence> make_mixed(std::shared_ptr<const Sequence> source,
                                           const MixOptions& options);

}  // namespace headrace
