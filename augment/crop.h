#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Crops that become the output, of the source's own pixels. The filter reads what lies just outside
// of a crop where the image has it, as Pillow's Image.resize(box=...) does.

// A random part of the image, stretched to the output. Value: the range of the part's area, as a
// share of the image's, then that of its width / height (3/4 to 4/3 if left out).
// torchvision's RandomResizedCrop: up to ten times, an area uniform in its range and a ratio whose
// logarithm is uniform give a width and a height, rounded to pixels; the first that fit into the
// image are placed uniformly. If none do, the crop is the largest centred one whose ratio is in the
// range (of an image within it: the whole).
Operation random_resized_crop();

// Value: pixels. The image as resized so that its shorter side has so many (the longer in
// proportion, rounded down), then the output's size cut from its centre: torchvision's Resize and
// CenterCrop, which is how ImageNet is evaluated (256, then 224). What an image lacks is filled.
Operation short_side();

// Value: a share in (0, 1]. The largest centred part in the output's proportions, times this.
Operation center_crop();

}  // namespace headrace
