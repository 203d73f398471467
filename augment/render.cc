#include "headrace/augment/render.h"

#include <algorithm>

#include "headrace/augment/affine.h"
#include "headrace/augment/level_renderer.h"
#include "headrace/augment/painter.h"

namespace headrace {
namespace {

// Small images in memory are rarely in the cache, and too small for the processor to see where it
// goes.
void fetch(const ImageView& pixels) {
  constexpr std::size_t line = 64;
  const std::size_t bytes = static_cast<std::size_t>(pixels.shape.height) * pixels.row_bytes;
  if (bytes > 16384) return;
  for (std::size_t i = 0; i < bytes; i += line) __builtin_prefetch(pixels.data + i);
}

// Of a plan that keeps rows and columns.
void render_aligned(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                    const Finish& finish, std::byte* destination, RenderScratch& scratch,
                    const Kernels& kernels) {
  fetch(pixels);
  const ImageShape& shape = finish.shape();
  const int band = finish.rows_at_once();
  LevelRenderer renderer(plan, shape.channels, band, kernels);
  ScratchLayout layout;
  renderer.reserve(layout);
  const std::size_t levels_place =
      layout.reserve(static_cast<std::size_t>(band) * finish.row_elements() + Kernels::slack);
  const std::size_t finishing = layout.reserve(finish.scratch_bytes());
  if (scratch.bytes.size() < layout.size()) scratch.bytes.resize(layout.size());
  std::byte* const memory = ScratchLayout::align(scratch.bytes.data());
  renderer.prepare(memory);
  auto* const levels = reinterpret_cast<std::uint8_t*>(memory + levels_place);
  for (int y = 0; y < shape.height; y += band) {
    const int rows = std::min(band, shape.height - y);
    std::uint8_t* const place = finish.place_of(y, rows, destination);
    std::uint8_t* const to = place != nullptr ? place : levels;
    renderer.make_rows(pixels, decoded, y, rows, to);
    paint_plan(plan, {to, {rows, shape.width, shape.channels}, kernels, scratch.spare, plan});
    if (place == nullptr) finish.levels(to, y, rows, destination, memory + finishing, kernels);
  }
}

}  // namespace

void render_levels(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch,
                   const Kernels& kernels) {
  if (!needs_affine(plan)) {
    render_aligned(plan, pixels, decoded, finish, destination, scratch, kernels);
    return;
  }
  const ShrunkPlan parts(plan);
  if (!parts.shrinks) {
    render_affine_levels(plan, pixels, decoded, finish, destination, scratch, kernels);
    return;
  }
  const ImageSize size = parts.shrink.output;
  const Finish plain({size.height, size.width, finish.shape().channels}, ElementType::u8,
                     Layout::nhwc, {});
  Image small(plain.shape());
  render_aligned(parts.shrink, pixels, decoded, plain, small.data(), scratch, kernels);
  render_affine_levels(parts.rest, small.view(), parts.rest.region, finish, destination, scratch,
                       kernels);
}

}  // namespace headrace
