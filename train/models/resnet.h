#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// Residual networks (He et al. 2015) in the form called v1.5: a bottleneck halves the image in its
// 3x3 convolution. Layers are named as in torchvision ("layer1.0.conv1", "fc"), with its paddings,
// momentum and epsilon of batch normalisation, and first values of convolutions; softmax at the
// end. With 1000 classes as many trainable parameters: 11,689,512; 21,797,672; 25,557,032.
// Made for images of 224 x 224 x 3.
Graph resnet18(const Shape& input, int classes);
Graph resnet34(const Shape& input, int classes);
Graph resnet50(const Shape& input, int classes);

}  // namespace headrace
