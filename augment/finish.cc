#include "headrace/augment/finish.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/half.h"

namespace headrace {
namespace {

std::uint8_t to_level(float value) {
  const float rounded = std::floor(value + 0.5f);
  return rounded >= 255 ? 255 : rounded > 0 ? static_cast<std::uint8_t>(rounded) : 0;
}

void store(float value, ElementType type, std::byte* to) {
  const auto put = [to](auto converted) { std::memcpy(to, &converted, sizeof converted); };
  switch (type) {
    case ElementType::u8: put(to_level(value)); break;
    case ElementType::f16: put(to_f16(value)); break;
    case ElementType::bf16: put(to_bf16(value)); break;
    default: put(value);
  }
}

double of_channel(const std::vector<double>& values, std::size_t channel, double without) {
  if (values.empty()) return without;
  return values.size() == 1 ? values[0] : values[channel];
}

}  // namespace

Finish::Finish(ImageShape output, ElementType type, Layout layout, const Numbers& numbers)
    : shape_(output),
      type_(type),
      layout_(layout),
      per_pixel_(numbers.mean.size() > static_cast<std::size_t>(output.channels)) {
  const auto channels = static_cast<std::size_t>(shape_.channels);
  constexpr std::size_t vector = Normalisation::multiple;
  period_ = interleaved() ? channels * vector : vector;
  const auto channel_at = [&](std::size_t place) {
    return interleaved() ? place % channels : place / period_;
  };
  scales_.resize(channels * vector);
  offsets_.resize(scales_.size());
  for (std::size_t i = 0; i < scales_.size(); ++i) {
    const std::size_t c = channel_at(i);
    const double deviation = of_channel(numbers.deviation, c, 1);
    scales_[i] = static_cast<float>(numbers.scale / deviation);
    if (!per_pixel_) {
      offsets_[i] = static_cast<float>(0 - of_channel(numbers.mean, c, 0) / deviation);
    }
  }
  if (!per_pixel_) return;
  const std::size_t pixels = pixels_before(shape_.height);
  offsets_.resize(numbers.mean.size());
  for (std::size_t e = 0; e < offsets_.size(); ++e) {
    const std::size_t c = e % channels;
    const std::size_t place = interleaved() ? e : c * pixels + e / channels;
    offsets_[place] = static_cast<float>(0 - numbers.mean[e] / of_channel(numbers.deviation, c, 1));
  }
}

std::vector<float> Finish::channel_scales() const {
  std::vector<float> scales;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape_.channels); ++c) {
    scales.push_back(scales_[interleaved() ? c : c * period_]);
  }
  return scales;
}

std::vector<float> Finish::offsets_in_output_order() const {
  if (per_pixel_) return offsets_;
  std::vector<float> offsets;
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape_.channels); ++c) {
    offsets.push_back(offsets_[interleaved() ? c : c * period_]);
  }
  return offsets;
}

int Finish::rows_at_once() const {
  constexpr std::size_t cached_elements = 4096;
  const std::size_t rows = std::max<std::size_t>(cached_elements / row_elements(), 1);
  return static_cast<int>(std::min<std::size_t>(rows, static_cast<std::size_t>(shape_.height)));
}

std::size_t Finish::scratch_bytes() const {
  const std::size_t planes = static_cast<std::size_t>(rows_at_once()) * row_elements();
  return interleaved() ? 0 : planes + Kernels::slack;
}

Normalisation Finish::normalisation(int row, int plane) const {
  const auto c = static_cast<std::size_t>(plane);
  std::size_t offset = c * period_;
  if (per_pixel_) {
    offset = interleaved() ? pixels_before(row) * static_cast<std::size_t>(shape_.channels)
                           : c * pixels_before(shape_.height) + pixels_before(row);
  }
  // A batch of such rows is larger than the caches of a core.
  constexpr std::size_t large = 256 << 10;
  const bool streams = shape_.elements() * size_of(type_) >= large;
  return {
      scales_.data() + c * period_, offsets_.data() + offset, period_, !per_pixel_, type_, streams};
}

std::uint8_t* Finish::place_of(int row, int rows, std::byte* destination) const {
  const std::size_t behind = static_cast<std::size_t>(shape_.height - row - rows) * row_elements();
  if (type_ != ElementType::u8 || !interleaved() || behind < Kernels::slack) return nullptr;
  return reinterpret_cast<std::uint8_t*>(destination) +
         static_cast<std::size_t>(row) * row_elements();
}

void Finish::levels(const std::uint8_t* levels, int row, int rows, std::byte* destination,
                    std::byte* scratch, const Kernels& kernels) const {
  const std::size_t size = size_of(type_);
  const auto channels = static_cast<std::size_t>(shape_.channels);
  const std::size_t pixels = pixels_before(rows);
  const auto finish = [&](const std::uint8_t* from, int plane, std::size_t count, std::byte* to) {
    if (type_ == ElementType::u8) {
      std::memcpy(to, from, count);
    } else {
      kernels.normalise(from, normalisation(row, plane), count, to);
    }
  };
  if (interleaved()) {
    finish(levels, 0, pixels * channels, destination + pixels_before(row) * channels * size);
  } else {
    auto* planes = reinterpret_cast<std::uint8_t*>(scratch);
    kernels.split(levels, shape_.channels, pixels, planes);
    for (std::size_t c = 0; c < channels; ++c) {
      finish(planes + c * pixels, static_cast<int>(c), pixels,
             destination + (c * pixels_before(shape_.height) + pixels_before(row)) * size);
    }
  }
  if (row + rows == shape_.height && streams()) kernels.settle();
}

void Finish::all_levels(const std::uint8_t* levels, std::byte* destination,
                        std::vector<std::byte>& scratch, const Kernels& kernels) const {
  if (scratch.size() < scratch_bytes()) scratch.resize(scratch_bytes());
  const int band = rows_at_once();
  for (int y = 0; y < shape_.height; y += band) {
    this->levels(levels + static_cast<std::size_t>(y) * row_elements(), y,
                 std::min(band, shape_.height - y), destination, scratch.data(), kernels);
  }
}

void Finish::values(float* values, int row, std::byte* destination) const {
  const std::size_t size = size_of(type_);
  const auto channels = static_cast<std::size_t>(shape_.channels);
  const std::size_t pixels = pixels_before(shape_.height);
  for (std::size_t e = 0; e < row_elements(); ++e) {
    const std::size_t c = e % channels;
    const std::size_t element = pixels_before(row) * channels + e;
    const std::size_t place = interleaved() ? element : c * pixels + element / channels;
    const std::size_t pattern = interleaved() ? c : c * period_;
    float value = values[e];
    if (type_ != ElementType::u8) {
      value = fixed::normalised(value, scales_[pattern], offsets_[per_pixel_ ? place : pattern]);
    }
    store(value, type_, destination + place * size);
  }
}

}  // namespace headrace
