#include "headrace/cli/target_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "headrace/cli/drawing.h"
#include "headrace/pipeline/targets.h"

namespace headrace::cli {
namespace {

constexpr std::array<Colour, 8> palette = {{{230, 60, 50},
                                            {40, 140, 230},
                                            {50, 180, 80},
                                            {245, 170, 30},
                                            {160, 80, 210},
                                            {30, 190, 190},
                                            {235, 90, 160},
                                            {130, 110, 60}}};
constexpr Colour dark = {20, 20, 24};

Colour colour_of(int number) { return palette[static_cast<std::size_t>(number) % palette.size()]; }

Colour colour_of_class(float label) {
  return colour_of(std::max(0, static_cast<int>(std::clamp(label, -1.0f, 1e6f))));
}

template <class T>
std::span<const T> row_of(const FieldView& field, std::int64_t row) {
  const std::size_t bytes = field.spec->row_bytes();
  return {reinterpret_cast<const T*>(field.data + static_cast<std::size_t>(row) * bytes),
          bytes / sizeof(T)};
}

// In colour, whatever it was.
Image picture_of(const FieldView& field, std::int64_t row) {
  const auto& shape = field.spec->shape;
  const auto channels = static_cast<int>(shape[2]);
  const auto levels = row_of<std::uint8_t>(field, row);
  Image picture({static_cast<int>(shape[0]), static_cast<int>(shape[1]), 3});
  draw_picture(picture, 0, 0,
               {reinterpret_cast<const std::byte*>(levels.data()),
                {picture.shape().height, picture.shape().width, channels},
                static_cast<std::size_t>(picture.shape().width * channels),
                ElementType::u8});
  return picture;
}

void draw_mask(Image& on, std::span<const std::uint8_t> mask) {
  const auto width = static_cast<std::size_t>(on.shape().width);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    std::uint8_t* pixel = on.row<std::uint8_t>(static_cast<int>(i / width)) + i % width * 3;
    const Colour colour = colour_of(mask[i] - 1);
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = static_cast<std::uint8_t>((pixel[c] + colour[c] + 1) / 2);
    }
  }
}

void draw_frame(Image& on, const Region& area, int thick, Colour colour) {
  const int bottom = area.top + area.height - thick;
  const int right = area.left + area.width - thick;
  fill_rectangle(on, {area.top, area.left, thick, area.width}, colour);
  fill_rectangle(on, {bottom, area.left, thick, area.width}, colour);
  fill_rectangle(on, {area.top, area.left, area.height, thick}, colour);
  fill_rectangle(on, {area.top, right, area.height, thick}, colour);
}

// Lines are about a hundredth of a picture thick.
int thickness(const Image& on) {
  return std::clamp(std::min(on.shape().height, on.shape().width) / 100, 1, 4);
}

void draw_boxes(Image& on, std::span<const Box> boxes) {
  const int thick = thickness(on);
  for (const Box& box : boxes) {
    if (box.visibility <= 0) continue;
    const auto left = static_cast<int>(std::lround(box.left));
    const auto top = static_cast<int>(std::lround(box.top));
    const Region area = {top, left,
                         std::max(static_cast<int>(std::lround(box.bottom)) - top, thick),
                         std::max(static_cast<int>(std::lround(box.right)) - left, thick)};
    const Colour colour = colour_of_class(box.label);
    draw_frame(on, area, thick, colour);
    const std::string text = fmt::format("{:g}", box.label);
    const int text_width = static_cast<int>(text.size()) * cell_width;
    if (area.height < 2 * cell_height || area.width < text_width + 4) continue;
    fill_rectangle(on, {top, left, cell_height + 2, text_width + 3}, colour);
    draw_text(on, left + 2, top + 2, text, dark);
  }
}

void draw_points(Image& on, std::span<const KeyPoint> points) {
  const int reach = thickness(on) + 1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].visibility <= 0) continue;
    const auto x = static_cast<int>(points[i].x);
    const auto y = static_cast<int>(points[i].y);
    fill_rectangle(on, {y - reach - 1, x - reach - 1, 2 * reach + 3, 2 * reach + 3}, dark);
    fill_rectangle(on, {y - reach, x - reach, 2 * reach + 1, 2 * reach + 1},
                   colour_of(static_cast<int>(i)));
  }
}

}  // namespace

std::vector<Image> draw_row(const Batch& batch, const DatasetInfo& info, std::int64_t row) {
  std::vector<Image> pictures(1);
  const auto each = [&](FieldTarget target, const auto& draw) {
    for (std::size_t i = 0; i < info.fields.size(); ++i) {
      if (info.fields[i].target == target) draw(batch.field(i));
    }
  };
  pictures.front() = picture_of(batch.field("image"), row);
  Image& image = pictures.front();
  each(FieldTarget::mask,
       [&](const FieldView& field) { draw_mask(image, row_of<std::uint8_t>(field, row)); });
  each(FieldTarget::boxes,
       [&](const FieldView& field) { draw_boxes(image, row_of<Box>(field, row)); });
  each(FieldTarget::points,
       [&](const FieldView& field) { draw_points(image, row_of<KeyPoint>(field, row)); });
  each(FieldTarget::pair,
       [&](const FieldView& field) { pictures.push_back(picture_of(field, row)); });
  return pictures;
}

}  // namespace headrace::cli
