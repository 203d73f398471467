#include "pictures.h"

#include <cstring>
#include <fstream>
#include <stdexcept>

#include "../support/fixtures.h"
#include "headrace/augment/axis.h"
#include "headrace/pipeline/rng.h"

namespace headrace::testing {
namespace {

template <class T>
std::vector<T> render_as(ElementType type, const SamplePlan& plan, const ImageView& pixels,
                         const Kernels& kernels) {
  const ImageShape shape{plan.output.height, plan.output.width, pixels.shape.channels};
  const RecipeAugmenter augmenter(Recipe(shape, type), kernels);
  std::vector<T> result(shape.elements());
  RenderScratch scratch;
  augmenter.render(plan, pixels, whole(pixels), reinterpret_cast<std::byte*>(result.data()),
                   scratch);
  return result;
}

}  // namespace

Image load_picture(const std::string& name) {
  const std::string path = fixtures_folder() + "/augment/" + name + ".ppm";
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  ImageShape shape;
  int levels = 0;
  if (!(file >> magic >> shape.width >> shape.height >> levels) || levels != 255) {
    throw std::runtime_error("no picture in " + path);
  }
  shape.channels = magic == "P5" ? 1 : 3;
  file.get();
  Image image(shape);
  if (!file.read(reinterpret_cast<char*>(image.data()),
                 static_cast<std::streamsize>(shape.elements()))) {
    throw std::runtime_error("half a picture in " + path);
  }
  return image;
}

Noise::Noise(ImageShape noise_shape, std::uint64_t seed)
    : shape(noise_shape), levels(noise_shape.elements()) {
  Rng rng(seed, 0);
  for (std::uint8_t& level : levels) level = static_cast<std::uint8_t>(rng.below(256));
}

ImageView Noise::view() const {
  return {reinterpret_cast<const std::byte*>(levels.data()), shape,
          static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels),
          ElementType::u8};
}

std::vector<float> Noise::values() const { return {levels.begin(), levels.end()}; }

ImageView view_of(const std::vector<float>& values, ImageShape shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), shape,
          static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels) *
              sizeof(float),
          ElementType::f32};
}

SamplePlan make_plan(ImageSize source, ImageSize output, Filter filter, FillMode fill, double dy,
                     double dx) {
  Geometry geometry(source, output);
  AffineMap move;
  move.xt = -dx;
  move.yt = -dy;
  geometry.apply(move);
  SamplePlan plan;
  plan.source = source;
  plan.output = output;
  plan.source_from_output = geometry.source_from_output;
  plan.filter = filter;
  plan.fill_mode = fill;
  plan.region = region_of(plan);
  return plan;
}

void mirror_horizontally(SamplePlan& plan) {
  AffineMap mirror;
  mirror.xx = -1;
  mirror.xt = plan.output.width;
  plan.source_from_output = plan.source_from_output.after(mirror);
  plan.region = region_of(plan);
}

void mirror_vertically(SamplePlan& plan) {
  AffineMap mirror;
  mirror.yy = -1;
  mirror.yt = plan.output.height;
  plan.source_from_output = plan.source_from_output.after(mirror);
  plan.region = region_of(plan);
}

Region whole(const ImageView& pixels) { return {0, 0, pixels.shape.height, pixels.shape.width}; }

std::vector<std::uint8_t> render_u8(const SamplePlan& plan, const ImageView& pixels,
                                    const Kernels& kernels) {
  return render_as<std::uint8_t>(ElementType::u8, plan, pixels, kernels);
}

std::vector<float> render_f32(const SamplePlan& plan, const ImageView& pixels,
                              const Kernels& kernels) {
  return render_as<float>(ElementType::f32, plan, pixels, kernels);
}

}  // namespace headrace::testing
