#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// Decodes JPEG files (8 bits, Huffman-coded: baseline, extended and progressive; any subsampling).
//
// The pixels are libjpeg's with its accurate integer DCT ("islow") and its default ("fancy")
// chroma upsampling, and do not depend on the region: decode() returns exactly the region that was
// asked for. At a lower resolution (DecodeOptions::fast_scale) they are those of its reduced DCTs.
// One channel of a YCbCr file is its Y; of others, ITU-R 601 luma of the RGB pixels, (19595 R +
// 38470 G + 7471 B + 2^15) >> 16. CMYK becomes R = (255 - C)(255 - K) / 255, rounded, and so on;
// files with an Adobe marker store it inverted, others do not. Colour profiles are not applied.
//
// Sessions throw
//   Error{corrupt_data}  bytes that are no JPEG, end early, or are damaged in any way that shows;
//   Error{unsupported}   12-bit, lossless and arithmetic-coded files, two or more than four
//                        channels, more pixels than the options allow;
//   Error{invalid_argument}  decode() without a successful open(), a region outside the image,
//                        channels other than 1 and 3.
// A file of one scan that lacks nothing but its end marker is accepted.
std::shared_ptr<const Decoder> make_jpeg_decoder(const DecodeOptions& options = {});

// Encodes u8 pixels of 1 channel (grey) or 3 (RGB) as a baseline JPEG, replacing what is in `into`
// and keeping its memory. `quality` is libjpeg's, 1 to 100; up to 90 chroma is stored at half the
// resolution both ways (4:2:0), above that in full (4:4:4). The same pixels give the same bytes.
// Safe to call from many threads.
// Throws Error{invalid_argument} for other channels or types, an empty image, one beyond 65,500
// pixels on a side, or a quality out of range.
void encode_jpeg(const ImageView& image, int quality, std::vector<std::byte>& into);

}  // namespace headrace
