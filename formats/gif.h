#pragma once

#include <cstddef>
#include <span>

#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/decoder.h"

namespace headrace {

// The size of a GIF's screen, with 4 channels if its first frame has a transparent colour. Private
// to formats, as all here. Throws Error{corrupt_data} "GIF ...".
ImageInfo read_gif_header(std::span<const std::byte> file);

// Decodes the first frame, on the screen's background colour where it does not reach, into 1 (luma)
// or 3 (RGB) channels. Transparent pixels have their own colour, or `background`'s.
// Throws Error{corrupt_data} if the data are damaged or end early.
// Source: CompuServe, "Graphics Interchange Format, Version 89a".
void decode_gif(std::span<const std::byte> file, int channels,
                const std::optional<BackgroundColour>& background, Image& into);

}  // namespace headrace
