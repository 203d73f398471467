#pragma once

#include <string>

#include "headrace/formats/pack_writer.h"
#include "headrace/pipeline/image.h"

namespace headrace::cli {

// How large images become, as --resize says it: "256", the shorter side; "long:256", the longer
// side, both in proportion and never enlarged; "240x320", height and width.
class ImageResize {
 public:
  // Throws Error{invalid_argument} saying what would do.
  explicit ImageResize(const std::string& text);

  ImageSize size_of(ImageSize source) const;
  // Resizes as recipes do: antialiased, by triangles.
  ImageResizer resizer() const;
  std::uint64_t fingerprint() const;

 private:
  enum class Kind { shorter, longer, exact };

  Kind kind_ = Kind::shorter;
  ImageSize wanted_;  // for sides: both the same
};

}  // namespace headrace::cli
