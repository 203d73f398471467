#pragma once

#include "headrace/pipeline/image.h"

namespace headrace {

// EXIF orientations, 1..8: how the pixels of a file ("stored") become the picture that a person is
// to see ("upright"). 1 leaves them as they are, 3 turns by half a turn, 6 by a quarter clockwise,
// 8 by a quarter counter-clockwise; 2, 4, 5 and 7 mirror too.
// Source: Exif 2.32 (CIPA DC-008), tag 0x0112. Requires 1 <= orientation <= 8 everywhere.

// The size of the upright picture.
ImageSize upright_size(ImageSize stored, int orientation);

// The stored pixels that show `upright` of the upright picture, and the other way round. `stored`
// is the size of the whole stored image.
Region stored_region(const Region& upright, ImageSize stored, int orientation);
Region upright_region(const Region& region, ImageSize stored, int orientation);

// Copies stored pixels into their upright order. Any part of an image will do.
void make_upright(const ImageView& stored, int orientation, Image& into);

}  // namespace headrace
