#pragma once

#include <cstdint>
#include <vector>

#include "headrace/augment/paint_kernels.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// exp(-x^2 / (2 deviation^2)) at the whole numbers around 0, made to sum to 1; of an odd size.
std::vector<float> gaussian_kernel(int size, double deviation);

// Blends rows, then columns, of an interleaved image by a kernel of odd size. Beyond the border the
// image is mirrored without its outermost pixel. Levels are rounded to the nearest, to the even one
// if halfway, as torchvision rounds a blur.
void convolve(float* image, ImageShape shape, const std::vector<float>& kernel,
              const PaintKernels& kernels);
void convolve(std::uint8_t* image, ImageShape shape, const std::vector<float>& kernel,
              const PaintKernels& kernels);

}  // namespace headrace
