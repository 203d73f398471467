#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/rng.h"
#include "headrace/train/shape.h"

namespace headrace {

// How a parameter's first values are drawn, with Keras' names, formulas and defaults.
struct Initializer {
  enum class Method : std::uint8_t {
    constant,          // `scale` everywhere
    variance_scaling,  // variance = scale / fan (He et al. 2015, Glorot and Bengio 2010)
    orthogonal,        // orthonormal rows or columns (Saxe et al. 2013), times `scale`
    unit_forget_bias,  // of an LSTM, gates i, f, c, o: ones for f, else zeros
  };
  // fan_in and fan_out of a kernel {..., in, out}: the product of the leading extents, times in, or
  // times out.
  enum class Fan : std::uint8_t { in, out, average };
  enum class Distribution : std::uint8_t { uniform, truncated_normal, untruncated_normal };

  Method method = Method::constant;
  double scale = 0;
  Fan fan = Fan::in;
  Distribution distribution = Distribution::uniform;

  // zeros, ones, orthogonal, unit_forget_bias, {glorot,he,lecun}_{uniform,normal}, or
  // "variance_scaling(2, fan_out, untruncated_normal)".
  // Throws Error{invalid_argument} listing them for anything else.
  static Initializer of(std::string_view name);
  std::string name() const;  // the same text back

  static const Initializer zeros;
  static const Initializer ones;
  static const Initializer glorot_uniform;
  static const Initializer he_normal;
  static const Initializer he_normal_fan_out;  // of ResNets: variance 2 / fan_out, not truncated
  static const Initializer orthogonal;
  static const Initializer unit_forget_bias;

  friend bool operator==(const Initializer&, const Initializer&) = default;
};

inline constexpr Initializer Initializer::zeros{};
inline constexpr Initializer Initializer::ones{Method::constant, 1};
inline constexpr Initializer Initializer::glorot_uniform{Method::variance_scaling, 1, Fan::average,
                                                         Distribution::uniform};
inline constexpr Initializer Initializer::he_normal{Method::variance_scaling, 2, Fan::in,
                                                    Distribution::truncated_normal};
inline constexpr Initializer Initializer::he_normal_fan_out{Method::variance_scaling, 2, Fan::out,
                                                            Distribution::untruncated_normal};
inline constexpr Initializer Initializer::orthogonal{Method::orthogonal, 1};
inline constexpr Initializer Initializer::unit_forget_bias{Method::unit_forget_bias};

// Values of a parameter of that shape, row-major: a pure function of the generator's key.
std::vector<float> initial_values(const Initializer& initializer, const Shape& shape, Rng rng);

}  // namespace headrace
