#include "headrace/train/initializer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Fan = Initializer::Fan;
using Method = Initializer::Method;
using Distribution = Initializer::Distribution;

struct Named {
  std::string_view name;
  Initializer initializer;
};

constexpr std::array named = {
    Named{"zeros", Initializer::zeros},
    Named{"ones", Initializer::ones},
    Named{"glorot_uniform", Initializer::glorot_uniform},
    Named{"glorot_normal",
          {Method::variance_scaling, 1, Fan::average, Distribution::truncated_normal}},
    Named{"he_uniform", {Method::variance_scaling, 2, Fan::in, Distribution::uniform}},
    Named{"he_normal", Initializer::he_normal},
    Named{"lecun_uniform", {Method::variance_scaling, 1, Fan::in, Distribution::uniform}},
    Named{"lecun_normal", {Method::variance_scaling, 1, Fan::in, Distribution::truncated_normal}},
    Named{"orthogonal", Initializer::orthogonal},
    Named{"unit_forget_bias", Initializer::unit_forget_bias},
};

constexpr std::array<std::string_view, 3> fan_names = {"fan_in", "fan_out", "fan_avg"};
constexpr std::array<std::string_view, 3> distribution_names = {"uniform", "truncated_normal",
                                                                "untruncated_normal"};
constexpr std::string_view scaling = "variance_scaling(";

template <std::size_t N>
std::optional<std::size_t> position(const std::array<std::string_view, N>& names,
                                    std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

// "2, fan_out, untruncated_normal"
std::optional<Initializer> variance_scaling_of(std::string_view text) {
  const std::size_t first = text.find(", ");
  const std::size_t second = first == text.npos ? first : text.find(", ", first + 2);
  if (second == text.npos) return std::nullopt;
  double scale = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + first, scale);
  const auto fan = position(fan_names, text.substr(first + 2, second - first - 2));
  const auto distribution = position(distribution_names, text.substr(second + 2));
  if (error != std::errc() || end != text.data() + first || !(scale > 0) || !fan || !distribution) {
    return std::nullopt;
  }
  return Initializer{Method::variance_scaling, scale, static_cast<Fan>(*fan),
                     static_cast<Distribution>(*distribution)};
}

double fan_of(const Shape& shape, Fan fan) {
  if (shape.rank() == 0) return 1;
  if (shape.rank() == 1) return static_cast<double>(shape[0]);
  const auto in = static_cast<double>(shape[shape.rank() - 2]);
  const auto out = static_cast<double>(shape[shape.rank() - 1]);
  const double taps = static_cast<double>(shape.elements()) / (in * out);
  if (fan == Fan::average) return taps * (in + out) / 2;
  return taps * (fan == Fan::in ? in : out);
}

void scale_variance(const Initializer& initializer, const Shape& shape, Rng& rng,
                    std::vector<float>& values) {
  const double variance = initializer.scale / std::max(fan_of(shape, initializer.fan), 1.0);
  if (initializer.distribution == Distribution::uniform) {
    const double limit = std::sqrt(3 * variance);
    for (float& value : values) value = static_cast<float>(rng.uniform(-limit, limit));
    return;
  }
  const bool truncated = initializer.distribution == Distribution::truncated_normal;
  // The deviation of a standard normal cut at two deviations, as Keras has it.
  const double deviation = std::sqrt(variance) / (truncated ? 0.87962566103423978 : 1.0);
  for (float& value : values) {
    double drawn = rng.normal();
    while (truncated && std::abs(drawn) > 2) drawn = rng.normal();
    value = static_cast<float>(deviation * drawn);
  }
}

// Takes out of vector `which` what it has of those before it, and makes its length 1.
void orthonormalize(std::vector<std::vector<double>>& vectors, std::size_t which) {
  std::vector<double>& vector = vectors[which];
  for (int pass = 0; pass < 2; ++pass) {  // the second removes what rounding left
    for (std::size_t before = 0; before < which; ++before) {
      double dot = 0;
      for (std::size_t i = 0; i < vector.size(); ++i) dot += vector[i] * vectors[before][i];
      for (std::size_t i = 0; i < vector.size(); ++i) vector[i] -= dot * vectors[before][i];
    }
  }
  double squares = 0;
  for (double value : vector) squares += value * value;
  for (double& value : vector) value /= std::sqrt(squares);
}

// A matrix {leading extents, last extent}: its columns are orthonormal, or its rows if they are
// fewer.
void make_orthogonal(double gain, const Shape& shape, Rng& rng, std::vector<float>& values) {
  const std::size_t columns =
      shape.rank() == 0 ? 1 : static_cast<std::size_t>(shape[shape.rank() - 1]);
  const std::size_t rows = values.size() / columns;
  const bool by_rows = rows < columns;
  std::vector<std::vector<double>> vectors(std::min(rows, columns));
  for (std::size_t which = 0; which < vectors.size(); ++which) {
    for (std::size_t i = 0; i < std::max(rows, columns); ++i) {
      vectors[which].push_back(rng.normal());
    }
    orthonormalize(vectors, which);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t row = i / columns, column = i % columns;
    values[i] = static_cast<float>(gain * (by_rows ? vectors[row][column] : vectors[column][row]));
  }
}

}  // namespace

Initializer Initializer::of(std::string_view name) {
  std::string known;
  for (const Named& one : named) {
    if (one.name == name) return one.initializer;
    known += std::string(one.name) + ", ";
  }
  if (name.starts_with(scaling) && name.ends_with(")")) {
    const auto text = name.substr(scaling.size(), name.size() - scaling.size() - 1);
    if (const auto found = variance_scaling_of(text)) return *found;
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("there is no initializer \"{}\"; known: {}"
                          "variance_scaling(SCALE, fan_in|fan_out|fan_avg, uniform|"
                          "truncated_normal|untruncated_normal)",
                          name, known));
}

std::string Initializer::name() const {
  for (const Named& one : named) {
    if (one.initializer == *this) return std::string(one.name);
  }
  return fmt::format("{}{}, {}, {})", scaling, scale, fan_names[static_cast<std::size_t>(fan)],
                     distribution_names[static_cast<std::size_t>(distribution)]);
}

std::vector<float> initial_values(const Initializer& initializer, const Shape& shape, Rng rng) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  switch (initializer.method) {
    case Method::constant:
      values.assign(values.size(), static_cast<float>(initializer.scale));
      break;
    case Method::variance_scaling: scale_variance(initializer, shape, rng, values); break;
    case Method::orthogonal: make_orthogonal(initializer.scale, shape, rng, values); break;
    case Method::unit_forget_bias: {
      const auto units = static_cast<std::ptrdiff_t>(values.size() / 4);
      std::fill(values.begin() + units, values.begin() + 2 * units, 1.0f);
      break;
    }
  }
  return values;
}

}  // namespace headrace
