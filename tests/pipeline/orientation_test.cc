#include "headrace/pipeline/orientation.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace headrace {
namespace {

// The letter F, as it lies in a file of each orientation, and as it is to be seen.
const std::string seen =
    "###"
    "#  "
    "## "
    "#  ";
const std::array<std::string, 8> files = {
    "###"
    "#  "
    "## "
    "#  ",
    "###"
    "  #"
    " ##"
    "  #",
    "  #"
    " ##"
    "  #"
    "###",
    "#  "
    "## "
    "#  "
    "###",
    "####"
    "# # "
    "#   ",
    "#   "
    "# # "
    "####",
    "   #"
    " # #"
    "####",
    "####"
    " # #"
    "   #",
};

ImageSize stored_size(int orientation) {
  return orientation < 5 ? ImageSize{4, 3} : ImageSize{3, 4};
}

ImageView view_of(const std::string& pixels, ImageSize size) {
  return {reinterpret_cast<const std::byte*>(pixels.data()),
          {size.height, size.width, 1},
          static_cast<std::size_t>(size.width),
          ElementType::u8};
}

TEST(Orientation, EveryOrientationIsMadeUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const ImageSize size = stored_size(orientation);
    EXPECT_EQ(upright_size(size, orientation), (ImageSize{4, 3}));
    Image upright;
    make_upright(view_of(files[static_cast<std::size_t>(orientation - 1)], size), orientation,
                 upright);
    ASSERT_EQ(upright.shape(), (ImageShape{4, 3, 1}));
    EXPECT_EQ(std::string(upright.row<char>(0), 12), seen) << "orientation " << orientation;
  }
}

TEST(Orientation, RegionsFollowTheirPixels) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const ImageSize size = stored_size(orientation);
    const Region part{1, 0, 2, 2};  // of the upright picture: "# " over "##"
    const Region stored = stored_region(part, size, orientation);
    EXPECT_EQ(upright_region(stored, size, orientation), part);
    ASSERT_TRUE((Region{0, 0, size.height, size.width}.contains(stored)));
    ImageView view = view_of(files[static_cast<std::size_t>(orientation - 1)], size);
    view.data += stored.top * size.width + stored.left;
    view.shape = {stored.height, stored.width, 1};
    Image upright;
    make_upright(view, orientation, upright);
    EXPECT_EQ(std::string(upright.row<char>(0), 4), "# ##") << "orientation " << orientation;
  }
}

TEST(Orientation, PixelsOfAnySizeStayWhole) {
  for (const int channels : {1, 2, 3, 4}) {
    for (const ElementType type : {ElementType::u8, ElementType::f32}) {
      Image stored({2, 1, channels}, type);
      const std::size_t bytes = static_cast<std::size_t>(channels) * size_of(type);
      for (std::size_t i = 0; i < 2 * bytes; ++i) stored.data()[i] = static_cast<std::byte>(i);
      Image upright;
      make_upright(stored.view(), 3, upright);
      for (std::size_t i = 0; i < bytes; ++i) {
        EXPECT_EQ(upright.data()[i], static_cast<std::byte>(bytes + i));
        EXPECT_EQ(upright.data()[bytes + i], static_cast<std::byte>(i));
      }
    }
  }
}

}  // namespace
}  // namespace headrace
