#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "headrace/pipeline/decoder.h"

namespace headrace {

enum class ImageKind { jpeg, png, webp, bmp, tiff, pnm, gif };

const char* name_of(ImageKind kind);  // "JPEG", ...

// The kind that the first bytes tell, if any. Private to formats, as all here.
std::optional<ImageKind> recognise_image(std::span<const std::byte> file) noexcept;

// What the headers of an image file say, of any kind but JPEG. Also finds out, where that takes no
// decoding, whether the file holds all the data it speaks of. Never reads outside `file`.
// Throws Error{corrupt_data}, or Error{unsupported} for kinds that cannot be decoded.
ImageInfo read_image_header(ImageKind kind, std::span<const std::byte> file);

}  // namespace headrace
