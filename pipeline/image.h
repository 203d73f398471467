#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headrace {

// The number format of one element, in memory and across the bus.
enum class ElementType : std::uint8_t { u8, i32, i64, f16, bf16, f32, f64 };

std::size_t size_of(ElementType type);
std::string_view to_string(ElementType type);  // "u8", "f32", ...

struct ImageSize {
  int height = 0;
  int width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

struct ImageShape {
  int height = 0;
  int width = 0;
  int channels = 0;

  ImageSize size() const { return {height, width}; }
  std::size_t elements() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
           static_cast<std::size_t>(channels);
  }
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

// A rectangle of pixels: rows [top, top + height), columns [left, left + width).
struct Region {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;

  bool contains(const Region& other) const {
    return other.top >= top && other.left >= left && other.top + other.height <= top + height &&
           other.left + other.width <= left + width;
  }
  friend bool operator==(const Region&, const Region&) = default;
};

// A non-owning view of interleaved pixels [height, width, channels]; rows are `row_bytes` apart.
// Element type u8 (decoded images) or f32 (arrays given by the user).
struct ImageView {
  const std::byte* data = nullptr;
  ImageShape shape;
  std::size_t row_bytes = 0;
  ElementType type = ElementType::u8;

  template <class T>
  const T* row(int y) const {
    return reinterpret_cast<const T*>(data + static_cast<std::size_t>(y) * row_bytes);
  }
};

// Pixels that own their memory. Meant as scratch: reshaping keeps the memory when it suffices, so
// that an Image used again and again stops allocating. Contents after reshape() are unspecified.
class Image {
 public:
  Image() = default;
  explicit Image(ImageShape shape, ElementType type = ElementType::u8) { reshape(shape, type); }

  // Throws Error{invalid_argument} on a negative extent or more than 2^40 elements.
  void reshape(ImageShape shape, ElementType type = ElementType::u8);

  const ImageShape& shape() const { return shape_; }
  ElementType type() const { return type_; }
  std::size_t row_bytes() const { return row_bytes_; }
  std::size_t capacity_bytes() const { return bytes_.capacity(); }

  // Bytes past the last pixel that may be read (not used): wide vector loads need no edge case.
  static constexpr std::size_t padding = 64;

  std::byte* data() { return bytes_.data(); }
  template <class T>
  T* row(int y) {
    return reinterpret_cast<T*>(bytes_.data() + static_cast<std::size_t>(y) * row_bytes_);
  }
  ImageView view() const { return {bytes_.data(), shape_, row_bytes_, type_}; }

 private:
  std::vector<std::byte> bytes_;
  ImageShape shape_;
  std::size_t row_bytes_ = 0;
  ElementType type_ = ElementType::u8;
};

}  // namespace headrace
