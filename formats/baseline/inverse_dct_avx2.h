#pragma once

#include "headrace/formats/baseline/pixel_kernels.h"

// PixelKernels' inverse DCTs, for CPUs with AVX2.
namespace headrace::baseline::avx2 {

bool inverse_dct(const BlockPair& pair);
bool inverse_dct_to_4(const BlockPair& pair);
bool inverse_dct_to_2(const BlockPair& pair);

}  // namespace headrace::baseline::avx2
