#pragma once

#include <string>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace::cli {

struct SheetPicture {
  Image pixels;       // u8, 1 or 3 channels
  std::string words;  // what was done to it
};

// An image, and what was made of it.
struct SheetRow {
  std::string title;
  std::vector<SheetPicture> pictures;
};

// Rows below one another, pictures with their words beneath them. All pictures have one size.
Image draw_sheet(const std::string& title, const std::vector<SheetRow>& rows);

// The same as a page of HTML that needs no other file.
std::string sheet_html(const std::string& title, const std::vector<SheetRow>& rows);

}  // namespace headrace::cli
