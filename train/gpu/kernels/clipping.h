#pragma once

#include "headrace/train/gpu/kernels/optimizer.h"

namespace headrace::gpu {

// A part of a parameter.
struct GradientPiece {
  std::int64_t first = 0;  // in the arenas
  std::int64_t size = 0;
  std::uint32_t parameter = 0;
};

// Sums of the squares of gradients by piece. No f32 is so large that its square is not finite here,
// so such a sum tells of gradients that are not.
struct SquarePieces {
  std::int64_t pieces = 0;
  const GradientPiece* of = nullptr;
  const float* gradients = nullptr;
  double* squares = nullptr;
  std::uint32_t* halt = nullptr;  // becomes 1 if some are not finite; null: nobody asks

  HEADRACE_HOST_DEVICE std::int64_t segments() const { return pieces; }
  HEADRACE_HOST_DEVICE std::int64_t size(std::int64_t piece) const { return of[piece].size; }
  HEADRACE_HOST_DEVICE double operator()(std::int64_t piece, std::int64_t i) const {
    const auto g = static_cast<double>(gradients[of[piece].first + i]);
    return g * g;
  }
  HEADRACE_HOST_DEVICE void finish(std::int64_t piece, double sum) const {
    squares[piece] = sum;
    if (halt != nullptr && !is_finite(sum)) *halt = 1;
  }
};

// How much each parameter's gradients are scaled down so that norms are not above `most`. One item:
// there are hundreds of pieces at most.
struct ScaleDown {
  std::int64_t pieces = 0;
  std::uint32_t parameters = 0;
  const GradientPiece* of = nullptr;
  const double* squares = nullptr;
  bool global = false;
  double most = 0;
  ParameterRule* rules = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return global ? 1 : parameters; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    double sum = 0;
    for (std::int64_t i = 0; i < pieces; ++i) {
      if (global || of[i].parameter == item) sum += squares[i];
    }
    const double norm = sqrt(sum);
    const float scale = norm > most ? static_cast<float>(most / norm) : 1.0f;
    for (std::uint32_t p = 0; p < parameters; ++p) {
      if (global || p == item) rules[p].scale = scale;
    }
  }
};

}  // namespace headrace::gpu
