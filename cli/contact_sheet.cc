#include "headrace/cli/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "headrace/cli/drawing.h"
#include "headrace/cli/html.h"
#include "headrace/cli/png_writer.h"

namespace headrace::cli {
namespace {

constexpr Colour paper = {250, 250, 248};
constexpr Colour ink = {40, 40, 44};
constexpr int gap = 10;
constexpr int least_side = 144;  // pictures are enlarged by a whole number to about this

struct Measures {
  int enlargement;
  int width;               // of a picture
  int height;              // of a picture
  std::size_t columns;     // of text below it
  std::vector<int> lines;  // of text, by row

  explicit Measures(const std::vector<SheetRow>& rows) {
    const ImageShape& shape = rows.front().pictures.front().pixels.shape();
    enlargement = std::max(1, least_side / std::max(shape.height, shape.width));
    width = std::max(shape.width * enlargement, least_side);
    height = shape.height * enlargement;
    columns = static_cast<std::size_t>(width / cell_width);
    for (const SheetRow& row : rows) {
      std::size_t most = 0;
      for (const SheetPicture& picture : row.pictures) {
        most = std::max(most, wrap_text(picture.words, columns).size());
      }
      lines.push_back(static_cast<int>(most));
    }
  }
  int row_height(std::size_t row) const {
    return 2 * cell_height + height + (lines[row] + 1) * cell_height + gap;
  }
};

Image enlarged(const Image& image, int by) {
  const ImageShape& shape = image.shape();
  Image large({shape.height * by, shape.width * by, shape.channels});
  for (int y = 0; y < shape.height * by; ++y) {
    const auto* from = image.view().row<std::uint8_t>(y / by);
    auto* to = large.row<std::uint8_t>(y);
    for (int x = 0; x < shape.width * by; ++x) {
      std::copy_n(from + x / by * shape.channels, shape.channels, to + x * shape.channels);
    }
  }
  return large;
}

}  // namespace

Image draw_sheet(const std::string& title, const std::vector<SheetRow>& rows) {
  const Measures measures(rows);
  std::size_t columns = 0;
  int height = 3 * cell_height + 2 * gap;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    columns = std::max(columns, rows[r].pictures.size());
    height += measures.row_height(r);
  }
  Image sheet({height, static_cast<int>(columns) * (measures.width + gap) + gap, 3});
  fill_rectangle(sheet, {0, 0, height, sheet.shape().width}, paper);
  draw_text(sheet, gap, gap, title, ink, 2);
  int top = 3 * cell_height + gap;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    draw_text(sheet, gap, top, rows[r].title, ink);
    int left = gap;
    for (const SheetPicture& picture : rows[r].pictures) {
      const Image large = enlarged(picture.pixels, measures.enlargement);
      draw_picture(sheet, left, top + 2 * cell_height - 4, large.view());
      int below = top + 2 * cell_height + measures.height + 2;
      for (const std::string& line : wrap_text(picture.words, measures.columns)) {
        draw_text(sheet, left, below, line, ink);
        below += cell_height;
      }
      left += measures.width + gap;
    }
    top += measures.row_height(r);
  }
  return sheet;
}

std::string sheet_html(const std::string& title, const std::vector<SheetRow>& rows) {
  std::string page = fmt::format(
      "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>"
      "body{{font:14px sans-serif;margin:2em;background:#fafaf8;color:#28282c}}"
      "figure{{display:inline-block;vertical-align:top;width:220px;margin:0 12px 18px 0}}"
      "img{{width:220px;image-rendering:pixelated}}figcaption{{font-size:12px;padding-top:4px}}"
      "</style></head><body><h1>{0}</h1>\n",
      escaped(title));
  for (const SheetRow& row : rows) {
    page += fmt::format("<h2>{}</h2>\n", escaped(row.title));
    for (const SheetPicture& picture : row.pictures) {
      page += fmt::format(
          "<figure><img alt=\"{1}\" src=\"data:image/png;base64,{0}\"><figcaption>{1}</figcaption>"
          "</figure>\n",
          base64(encode_png(picture.pixels.view())), escaped(picture.words));
    }
  }
  return page + "</body></html>\n";
}

}  // namespace headrace::cli
