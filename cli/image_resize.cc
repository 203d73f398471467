#include "headrace/cli/image_resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <tuple>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace::cli {
namespace {

constexpr int largest_side = 32767;

std::optional<int> parse_side(std::string_view text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || value < 1 || value > largest_side) return {};
  return value;
}

void copy(const ImageView& view, Image& into) {
  into.reshape(view.shape);
  for (int y = 0; y < view.shape.height; ++y) {
    std::copy_n(view.row<std::byte>(y), into.row_bytes(), into.row<std::byte>(y));
  }
}

// Recipes that resize, kept by the shape that they make.
class Resizers {
 public:
  std::shared_ptr<const Augmenter> get(const ImageShape& shape) {
    constexpr std::size_t most = 1024;
    const auto key = std::tuple(shape.height, shape.width, shape.channels);
    const std::lock_guard lock(mutex_);
    if (resizers_.size() > most) resizers_.clear();
    auto& found = resizers_[key];
    if (found == nullptr) found = Recipe(shape, ElementType::u8).make_augmenter();
    return found;
  }

 private:
  std::mutex mutex_;
  std::map<std::tuple<int, int, int>, std::shared_ptr<const Augmenter>> resizers_;
};

}  // namespace

ImageResize::ImageResize(const std::string& text) {
  constexpr std::string_view long_side = "long:";
  const std::string_view all = text;
  const std::size_t cross = all.find('x');
  std::optional<int> height;
  std::optional<int> width;
  if (all.starts_with(long_side)) {
    kind_ = Kind::longer;
    height = width = parse_side(all.substr(long_side.size()));
  } else if (cross == std::string_view::npos) {
    height = width = parse_side(all);
  } else {
    kind_ = Kind::exact;
    height = parse_side(all.substr(0, cross));
    width = parse_side(all.substr(cross + 1));
  }
  if (!height || !width) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--resize {}: it is 256 for the shorter side, long:256 for the longer, "
                            "or 240x320 for height and width, up to {}",
                            text, largest_side));
  }
  wanted_ = {*height, *width};
}

ImageSize ImageResize::size_of(ImageSize source) const {
  if (kind_ == Kind::exact) return wanted_;
  const int side = kind_ == Kind::shorter ? std::min(source.height, source.width)
                                          : std::max(source.height, source.width);
  if (side <= wanted_.height) return source;
  const auto scaled = [&](int extent) {
    const auto product = std::int64_t{extent} * wanted_.height;
    return std::max(1, static_cast<int>((product + side / 2) / side));
  };
  return {scaled(source.height), scaled(source.width)};
}

ImageResizer ImageResize::resizer() const {
  const auto resizers = std::make_shared<Resizers>();
  return [how = *this, resizers](const ImageView& view, Image& into) {
    const ImageSize size = how.size_of(view.shape.size());
    if (size == view.shape.size()) {
      copy(view, into);
      return;
    }
    const auto augmenter = resizers->get({size.height, size.width, view.shape.channels});
    into.reshape({size.height, size.width, view.shape.channels});
    const SamplePlan plan = augmenter->plan(view.shape.size(), Rng(0, 0));
    RenderScratch scratch;
    augmenter->render(plan, view, {0, 0, view.shape.height, view.shape.width}, into.data(),
                      scratch);
  };
}

std::uint64_t ImageResize::fingerprint() const {
  return Fingerprint().add(kind_).add(wanted_.height).add(wanted_.width).value();
}

}  // namespace headrace::cli
