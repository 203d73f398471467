#include "headrace/pipeline/image_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// Sums of values and of their squares: of u8 in integers, of f32 in double.
template <class Sum>
struct Sums {
  explicit Sums(std::size_t elements) : values(elements), squares(elements) {}

  template <class T>
  void add(std::span<const T> image) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      const Sum value = image[i];
      values[i] += value;
      squares[i] += value * value;
    }
  }

  std::vector<Sum> values;
  std::vector<Sum> squares;
};

// The variance of `count` values, in source levels squared.
double variance(std::uint64_t sum, std::uint64_t squares, std::uint64_t count) {
  // In integers, so that nothing cancels: count^2 * variance = count * squares - sum^2.
  __extension__ using Wide = unsigned __int128;
  const Wide scaled = Wide{count} * squares - Wide{sum} * sum;
  const auto n = static_cast<double>(count);
  return static_cast<double>(scaled) / n / n;
}

double variance(double sum, double squares, std::uint64_t count) {
  const auto n = static_cast<double>(count);
  const double mean = sum / n;
  return std::max(0.0, squares / n - mean * mean);
}

ImageShape shape_of(const FieldSpec& field) {
  constexpr std::int64_t limit = std::numeric_limits<int>::max();
  const auto fits = [](std::int64_t extent) { return extent > 0 && extent <= limit; };
  if (field.shape.size() != 3 || !fits(field.shape[0]) || !fits(field.shape[1]) ||
      !fits(field.shape[2])) {
    throw Error(ErrorCode::invalid_argument,
                "statistics need images of shape {height, width, channels}; field \"image\" has " +
                    std::to_string(field.shape.size()) + " dimensions");
  }
  return {static_cast<int>(field.shape[0]), static_cast<int>(field.shape[1]),
          static_cast<int>(field.shape[2])};
}

template <class T, class Sum>
ImageStatistics fit(Loader& loader, std::size_t field, ImageShape shape) {
  const std::size_t elements = shape.elements();
  Sums<Sum> sums(elements);
  ImageStatistics statistics;
  statistics.shape = shape;
  while (const auto batch = loader.next()) {
    const auto values = batch->field(field).as<T>();
    for (std::size_t at = 0; at < values.size(); at += elements) {
      sums.add(values.subspan(at, elements));
    }
    statistics.images += batch->size();
  }
  if (statistics.images == 0) {
    throw Error(ErrorCode::invalid_argument,
                "statistics need at least one image: the loader stands at the end of an epoch");
  }

  const auto images = static_cast<std::uint64_t>(statistics.images);
  const auto channels = static_cast<std::size_t>(shape.channels);
  Sums<Sum> by_channel(channels);
  for (std::size_t i = 0; i < elements; ++i) {
    statistics.mean.push_back(static_cast<double>(sums.values[i]) / static_cast<double>(images));
    by_channel.values[i % channels] += sums.values[i];
    by_channel.squares[i % channels] += sums.squares[i];
  }
  const std::uint64_t count = images * (elements / channels);
  for (std::size_t c = 0; c < channels; ++c) {
    statistics.channel_mean.push_back(static_cast<double>(by_channel.values[c]) /
                                      static_cast<double>(count));
    statistics.channel_std.push_back(
        std::sqrt(variance(by_channel.values[c], by_channel.squares[c], count)));
  }
  return statistics;
}

}  // namespace

ImageStatistics fit_statistics(Loader& images) {
  const std::size_t field = images.spec().index_of("image");
  const FieldSpec& spec = images.spec().fields[field];
  const ImageShape shape = shape_of(spec);
  if (spec.type == ElementType::u8) return fit<std::uint8_t, std::uint64_t>(images, field, shape);
  if (spec.type == ElementType::f32) return fit<float, double>(images, field, shape);
  throw Error(ErrorCode::invalid_argument,
              "statistics need images of u8 or f32; field \"image\" is " +
                  std::string(to_string(spec.type)));
}

}  // namespace headrace
