#include "headrace/train/cpu/max_pool_operation.h"

#include <algorithm>

#include "headrace/pipeline/error.h"

namespace headrace::cpu {
namespace {

// The part of a window along one axis that lies inside the image.
struct Part {
  std::int64_t begin = 0;  // in the image
  std::int64_t place = 0;  // of its first element in the window
  std::int64_t size = 0;
};

Part part_of(std::int64_t output, std::int64_t stride, std::int64_t before, std::int64_t window,
             std::int64_t input) {
  const std::int64_t start = output * stride - before;
  const std::int64_t begin = std::max<std::int64_t>(start, 0);
  return {begin, begin - start, std::min(start + window, input) - begin};
}

}  // namespace

MaxPoolOperation::MaxPoolOperation(const MaxPoolSpec& spec) : spec_(spec), runs_(find_runs()) {
  const Extent2& size = spec.window.size;
  const Extent2& strides = spec.window.strides;
  if (size.height * size.width > 256) {
    throw Error(ErrorCode::unsupported, "MaxPooling2D: windows of more than 256 pixels");
  }
  disjoint_ = strides.height >= size.height && strides.width >= size.width;
  std::int64_t covered = 0;
  for (const Run& run : runs_) covered += run.row.windows * run.row.high * run.row.wide;
  covering_ = disjoint_ && covered == spec.input[0] * spec.input[1];
}

std::vector<MaxPoolOperation::Run> MaxPoolOperation::find_runs() const {
  const Window& window = spec_.window;
  const auto high = window.along_height(spec_.input[0]);
  const auto wide = window.along_width(spec_.input[1]);
  const std::int64_t block = spec_.channel_block;
  std::vector<Run> runs;
  for (std::int64_t y = 0; y < high.output; ++y) {
    const Part down =
        part_of(y, window.strides.height, high.before, window.size.height, spec_.input[0]);
    for (std::int64_t x = 0; x < wide.output; ++x) {
      const Part right =
          part_of(x, window.strides.width, wide.before, window.size.width, spec_.input[1]);
      const std::int64_t place = down.place * window.size.width + right.place;
      const std::int64_t input = down.begin * spec_.input[1] + right.begin;
      if (x > 0) {
        Run& last = runs.back();
        const bool alike = last.row.wide == right.size && last.row.first_place == place &&
                           last.input + last.row.windows * window.strides.width == input;
        if (alike) {
          ++last.row.windows;
          continue;
        }
      }
      const PoolRow row{1,
                        block,
                        window.strides.width * block,
                        spec_.output[2],
                        block,
                        spec_.input[1] * block,
                        down.size,
                        right.size,
                        place,
                        window.size.width};
      runs.push_back({row, input, y * wide.output + x});
    }
  }
  return runs;
}

template <class Visit>
void MaxPoolOperation::for_each_run(std::int64_t rows, Visit visit) const {
  const std::int64_t channels = spec_.output[2], block = spec_.channel_block;
  const std::int64_t plane = spec_.input[0] * spec_.input[1] * block;
  for (std::int64_t image = 0; image < rows; ++image) {
    for (std::int64_t c = 0; c < channels; c += block) {
      const std::int64_t input = image * spec_.input.elements() + c / block * plane;
      const std::int64_t output = image * spec_.output.elements() + c;
      for (const Run& run : runs_) {
        visit(run.row, input + run.input * block, output + run.output * channels);
      }
    }
  }
}

void MaxPoolOperation::forward(const Block& block) const {
  const float* x = block.tensor(spec_.x);
  float* y = block.tensor(spec_.y);
  std::uint8_t* winners = block.bytes(spec_.winners);
  for_each_run(block.rows, [&](const PoolRow& row, std::int64_t in, std::int64_t out) {
    pool_forward(row, x + in, y + out, winners + out);
  });
}

void MaxPoolOperation::backward(const Block& block) const {
  const float* dy = block.tensor(spec_.dy);
  const float* y = block.tensor(spec_.y);
  const std::uint8_t* winners = block.bytes(spec_.winners);
  float* dx = block.tensor(spec_.dx);
  if (!covering_) std::fill_n(dx, block.rows * spec_.input.elements(), 0.0f);
  const auto backward = disjoint_ ? pool_backward_write : pool_backward_add;
  for_each_run(block.rows, [&](const PoolRow& row, std::int64_t in, std::int64_t out) {
    backward(row, dy + out, y + out, spec_.relu_backward, winners + out, dx + in);
  });
}

}  // namespace headrace::cpu
