// Decoder and recipe together, which no module of the library knows both of.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "headrace/augment/named_recipes.h"
#include "headrace/augment/recipe.h"
#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

// Soft waves of all colours, with edges between them.
std::vector<std::byte> photo(int quality) {
  Image image({180, 260, 3});
  for (int y = 0; y < 180; ++y) {
    for (int x = 0; x < 260; ++x) {
      const bool inside = (x / 60 + y / 70) % 2 == 0;
      for (int c = 0; c < 3; ++c) {
        const double wave = 45 * std::sin(0.04 * (c + 1) * x + (inside ? 0.06 : 0.03) * y + c);
        image.row<std::uint8_t>(y)[3 * x + c] =
            static_cast<std::uint8_t>(std::lround(120 + wave + (inside ? 15 : 0)));
      }
    }
  }
  std::vector<std::byte> bytes;
  encode_jpeg(image.view(), quality, bytes);
  return bytes;
}

struct Difference {
  double mean = 0;
  int most = 0;
};

// Between 40 crops of ImageNet's recipe, decoded exactly and with fast_chroma; `of_planes` of them
// were given as planes.
Difference difference(const std::vector<std::byte>& file, int& of_planes) {
  const Recipe recipe = named_recipe("imagenet").without_normalisation();
  const auto augmenter = recipe.make_augmenter();
  const auto exact = make_jpeg_decoder()->session();
  const auto fast = make_jpeg_decoder({.fast_chroma = true})->session();
  std::vector<std::byte> expected(augmenter->output().row_bytes());
  std::vector<std::byte> actual(expected.size());
  RenderScratch scratch;
  Image image;
  Difference result;
  of_planes = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const ImageSize size = exact->open(file).shape.size();
    fast->open(file);
    const SamplePlan plan = augmenter->plan(size, Rng(1, 0).for_sample(i));
    Region decoded = exact->decode({plan.region, 3}, image);
    augmenter->render(plan, image.view(), decoded, expected.data(), scratch);
    if (const ColourPlanes* const planes = fast->decode_planes(plan.region)) {
      augmenter->render_planes(plan, *planes, actual.data(), scratch);
      ++of_planes;
    } else {
      decoded = fast->decode({plan.region, 3}, image);
      augmenter->render(plan, image.view(), decoded, actual.data(), scratch);
    }
    for (std::size_t e = 0; e < expected.size(); ++e) {
      const int levels =
          std::abs(std::to_integer<int>(expected[e]) - std::to_integer<int>(actual[e]));
      result.most = std::max(result.most, levels);
      result.mean += levels / (40.0 * static_cast<double>(expected.size()));
    }
  }
  return result;
}

TEST(FastChroma, IsLessThanALevelAwayInTheMeanEvenAcrossEdges) {
  int of_planes = 0;
  const Difference found = difference(photo(85), of_planes);
  EXPECT_EQ(of_planes, 40);
  EXPECT_GT(found.mean, 0);
  EXPECT_LT(found.mean, 1);
  EXPECT_LT(found.most, 32);
}

TEST(FastChroma, IsExactWhereColourIsStoredAtFullResolution) {
  int of_planes = 0;
  const Difference found = difference(photo(95), of_planes);
  EXPECT_EQ(of_planes, 0);
  EXPECT_EQ(found.most, 0);
}

}  // namespace
}  // namespace headrace
