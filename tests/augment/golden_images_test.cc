// What each operation makes of one photo, as it was when a person last looked at it
// (tests/fixtures/golden; script/fixtures/golden_operations.py makes them anew).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/recipe.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::whole;

constexpr ImageShape cell = {24, 32, 3};
constexpr int columns = 8;

// A telling value of each operation.
const std::map<std::string, std::string>& values() {
  static const std::map<std::string, std::string> all = {
      {"random_resized_crop", "0.2,0.4"},
      {"short_side", "40"},
      {"center_crop", "0.6"},
      {"random_crop", "8"},
      {"rotation", "40"},
      {"width_shift", "0.3"},
      {"width_shift_pixels", "12"},
      {"width_shift_choices", "-0.25,0.25"},
      {"height_shift", "0.3"},
      {"height_shift_pixels", "12"},
      {"height_shift_choices", "-0.25,0.25"},
      {"shear", "35"},
      {"zoom", "0.5,0.7"},
      {"horizontal_flip", "true"},
      {"vertical_flip", "true"},
      {"alternating_flip", "true"},
      {"auto_augment", "imagenet"},
      {"rand_augment", "2,12"},
      {"trivial_augment", "true"},
      {"perspective", "0.6,1"},
      {"elastic", "40,4"},
      {"channel_shift", "60"},
      {"brightness", "1.4,1.6"},
      {"contrast", "1.6,1.8"},
      {"saturation", "2,2.2"},
      {"hue", "0.2,0.3"},
      {"color_jitter", "0.5,0.5,0.5,0.2"},
      {"grey", "1"},
      {"blur", "7,1.5,2,1"},
      {"sharpen", "4,1"},
      {"posterize", "2,1"},
      {"solarize", "128,1"},
      {"autocontrast", "1"},
      {"equalize", "1"},
      {"invert", "1"},
      {"random_erasing", "1,0.1,0.3,128"},
      {"cutout", "10,128"},
  };
  return all;
}

Image load(const std::string& name) {
  std::ifstream file(fixtures_folder() + "/golden/" + name, std::ios::binary);
  std::string magic;
  int width = 0;
  int height = 0;
  int most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  Image image({height, width, 3});
  file.read(reinterpret_cast<char*>(image.data()),
            static_cast<std::streamsize>(image.shape().elements()));
  if (!file) throw std::runtime_error("cannot read tests/fixtures/golden/" + name);
  return image;
}

// The first draw that changes anything.
std::vector<std::uint8_t> changed(const std::string& name, const ImageView& photo) {
  const auto render = [&](const Recipe& recipe, std::uint64_t sample) {
    const auto augmenter = recipe.make_augmenter();
    const SamplePlan plan = augmenter->plan(photo.shape.size(), Rng(11, 0).for_sample(sample));
    return testing::render_u8(plan, photo);
  };
  const Recipe plain(cell, ElementType::u8);
  Recipe recipe = plain;
  recipe.set(name, parse_value(recipe_parameter(name), values().at(name)));
  const std::vector<std::uint8_t> before = render(plain, 0);
  constexpr std::uint64_t most = 50;
  for (std::uint64_t sample = 0; sample < most; ++sample) {
    std::vector<std::uint8_t> after = render(recipe, sample);
    if (after != before) return after;
  }
  ADD_FAILURE() << name << " changes nothing";
  return before;
}

Region place_of(std::size_t number) {
  const int n = static_cast<int>(number);
  return {n / columns * cell.height, n % columns * cell.width, cell.height, cell.width};
}

void write(const Image& sheet) {
  std::ofstream file(fixtures_folder() + "/golden/operations.ppm", std::ios::binary);
  file << "P6\n" << sheet.shape().width << ' ' << sheet.shape().height << "\n255\n";
  file.write(reinterpret_cast<const char*>(sheet.view().data),
             static_cast<std::streamsize>(sheet.shape().elements()));
}

TEST(GoldenImages, AreWhatEachOperationMakesOfAPhoto) {
  const Image photo = load("photo.ppm");
  const auto count = static_cast<int>(operations().size());
  const int rows = (count + columns - 1) / columns;
  const bool writes = std::getenv("HEADRACE_WRITE_GOLDEN") != nullptr;
  const ImageShape sheet_shape = {rows * cell.height, columns * cell.width, 3};
  Image sheet(sheet_shape);
  if (writes) {
    std::memset(sheet.data(), 0, sheet_shape.elements());
  } else {
    sheet = load("operations.ppm");
  }
  ASSERT_EQ(sheet.shape(), sheet_shape) << "an operation has no golden image";
  constexpr std::size_t row_bytes = std::size_t{cell.width} * 3;
  for (std::size_t i = 0; i < operations().size(); ++i) {
    const std::string& name = operations()[i].parameter.name;
    ASSERT_TRUE(values().contains(name)) << name << " has no golden image";
    const std::vector<std::uint8_t> made = changed(name, photo.view());
    const Region at = place_of(i);
    std::size_t others = 0;
    for (int y = 0; y < cell.height; ++y) {
      std::uint8_t* golden = sheet.row<std::uint8_t>(at.top + y) + 3 * at.left;
      const std::uint8_t* row = made.data() + static_cast<std::size_t>(y) * row_bytes;
      if (writes) std::memcpy(golden, row, row_bytes);
      for (std::size_t e = 0; e < row_bytes; ++e) others += std::abs(golden[e] - row[e]) > 1;
    }
    // Another library of mathematics may round a curve to the level beside.
    EXPECT_LE(others, cell.elements() / 100) << name;
  }
  if (writes) write(sheet);
}

}  // namespace
}  // namespace headrace
