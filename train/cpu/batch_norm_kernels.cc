#include "headrace/train/cpu/batch_norm_kernels.h"

#include "headrace/train/cpu/instruction_sets.h"
#include "headrace/train/cpu/vectors.h"

namespace headrace::cpu {
namespace {

// The gradient of a normalised value at hand: see NormSlope.
template <class T>
struct Slope {
  const T* first;
  std::int64_t first_stride;
  const T* second;  // null: one part
  std::int64_t second_stride;
  const float* scale;
  const float* shift;
  const T* y;
  std::int64_t y_stride;

  Slope from(std::int64_t channel) const {
    Slope at = *this;
    at.first += channel;
    if (second != nullptr) at.second += channel;
    if (scale != nullptr) at.scale += channel;
    if (scale != nullptr) at.shift += channel;
    if (y != nullptr) at.y += channel;
    return at;
  }
  void next() {
    first += first_stride;
    if (second != nullptr) second += second_stride;
    if (y != nullptr) y += y_stride;
  }
};

namespace portable {
#define HEADRACE_TARGET
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/batch_norm_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace portable

#if defined(__x86_64__)
namespace avx2 {
#define HEADRACE_TARGET HEADRACE_AVX2
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/batch_norm_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace avx2

namespace avx512 {
#define HEADRACE_TARGET HEADRACE_AVX512
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/batch_norm_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace avx512
#endif

template <class T>
struct Kernels {
  decltype(&portable::moments<T>) moments;
  decltype(&portable::normalise<T>) normalise;
  decltype(&portable::slopes<T>) slopes;
  decltype(&portable::backward<T>) backward;
};

#define HEADRACE_KERNELS(set) \
  Kernels<T> { set::moments<T>, set::normalise<T>, set::slopes<T>, set::backward<T> }

template <class T>
const Kernels<T>& kernels() {
  static const Kernels<T> chosen = HEADRACE_CHOOSE(HEADRACE_KERNELS);
  return chosen;
}

template <class T>
T* of(Array array) {
  return static_cast<T*>(array.data);
}

// Calls with a null pointer of the arrays' type.
template <class Call>
void with_type(Type type, Call call) {
  if (type == Type::bf16) {
    call(static_cast<Bf16*>(nullptr));
  } else {
    call(static_cast<float*>(nullptr));
  }
}

template <class T>
Slope<T> typed(const NormSlope& slope) {
  const Array first = slope.parts[0];
  const Array second = slope.parts.size() > 1 ? slope.parts[1] : Array{};
  return {of<T>(first), first.stride, of<T>(second),  second.stride,
          slope.scale,  slope.shift,  of<T>(slope.y), slope.y.stride};
}

}  // namespace

void add_moments(Array x, std::int64_t groups, std::int64_t channels, const float* pivot,
                 double* sums, double* squares) {
  with_type(x.type, [&]<class T>(T*) {
    kernels<T>().moments(of<T>(x), x.stride, groups, channels, pivot, sums, squares);
  });
}

void normalise(Array x, std::int64_t groups, std::int64_t channels, const float* scale,
               const float* shift, Array other, bool with_relu, Array y) {
  with_type(x.type, [&]<class T>(T*) {
    kernels<T>().normalise(of<T>(x), x.stride, groups, channels, scale, shift, of<T>(other),
                           other.stride, with_relu, of<T>(y), y.stride);
  });
}

void add_slopes(Array x, std::int64_t groups, std::int64_t channels, const float* mean,
                const NormSlope& slope, Array total, Array other, double* sums, double* products) {
  with_type(x.type, [&]<class T>(T*) {
    kernels<T>().slopes(of<T>(x), x.stride, groups, channels, mean, typed<T>(slope), of<T>(total),
                        total.stride, of<T>(other), other.stride, sums, products);
  });
}

void normalise_backward(Array x, std::int64_t groups, std::int64_t channels, const float* mean,
                        const NormSlope& slope, const float* factor, const float* constant,
                        const float* linear, Array dx) {
  with_type(x.type, [&]<class T>(T*) {
    kernels<T>().backward(of<T>(x), x.stride, groups, channels, mean, typed<T>(slope), factor,
                          constant, linear, of<T>(dx), dx.stride);
  });
}

}  // namespace headrace::cpu
