#pragma once

#include "headrace/formats/baseline/pixel_kernels.h"

// PixelKernels' inverse DCTs, for CPUs with AVX2.
namespace headrace::baseline::avx2 {

bool inverse_dct(const BlockTransform& a, const BlockTransform& b);
bool inverse_dct_to_4(const BlockTransform& a, const BlockTransform& b);
bool inverse_dct_to_2(const BlockTransform& a, const BlockTransform& b);

}  // namespace headrace::baseline::avx2
