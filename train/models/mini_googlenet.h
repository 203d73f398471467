#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// MiniGoogLeNet (after Zhang et al. 2017, "Understanding deep learning requires rethinking
// generalization", with downsampling by `valid` windows): 19 convolutions, each followed by batch
// normalisation and relu, in inception and downsampling modules; average pooling, dropout 0.5,
// softmax. For 32 x 32 x 3 and 10 classes it has 1,656,250 parameters. Smaller images than 32 x 32
// are too small for it.
Graph mini_googlenet(const Shape& input, int classes);

}  // namespace headrace
