#pragma once

#include <memory>

#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// Decodes image files of several kinds, recognised by their first bytes and never by their names:
// JPEG (see jpeg.h), PNG, WebP, BMP, TIFF, PNM (PBM, PGM, PPM) and the first frame of GIF.
//
// All but JPEG and GIF are decoded by OpenCV, in the plugin headrace_opencv_codecs, which is opened
// when the first such image is decoded: looked for in $HEADRACE_PLUGIN_DIR, then in ../lib/headrace
// beside the program (or shared library) that holds this code, then where it was installed.
//
// Pixels: 16-bit values v become v / 257, rounded; 1, 2 and 4 bits are spread to 0..255; palettes
// are applied (DecodeRequest::indices: of PNG files, not); an alpha channel is dropped, or the
// image is put over DecodeOptions::background (of BMP files it is always dropped: few mean it; TIFF
// files of 8 bits are put over black where there is no background); one channel of a colour image
// is ITU-R 601 luma as in jpeg.h; floating-point TIFF is unsupported. The first image of a TIFF
// counts. Regions other than JPEG's are always the whole image. Orientation is reported from the
// EXIF data of JPEG, PNG and WebP files and the tag of TIFF files; pixels are as stored.
//
// Sessions throw
//   Error{corrupt_data}  bytes that are no image ("not an image: starts with ..."), none at all,
//                        images that end early or are damaged;
//   Error{unsupported}   kinds that cannot be decoded, more pixels than the options allow, and the
//                        plugin missing (the message says where it was looked for);
//   Error{invalid_argument}  as in jpeg.h.
std::shared_ptr<const Decoder> make_image_decoder(const DecodeOptions& options = {});

}  // namespace headrace
