#include "headrace/train/cpu/pool_kernels.h"

#include "headrace/train/cpu/instruction_sets.h"
#include "headrace/train/cpu/vectors.h"

namespace headrace::cpu {
namespace {

namespace portable {
#define HEADRACE_TARGET
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/pool_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace portable

#if defined(__x86_64__)
namespace avx2 {
#define HEADRACE_TARGET HEADRACE_AVX2
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/pool_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace avx2

namespace avx512 {
#define HEADRACE_TARGET HEADRACE_AVX512
#include "headrace/train/cpu/vectors.inc"
//
#include "headrace/train/cpu/pool_kernels.inc"
#undef HEADRACE_TARGET
}  // namespace avx512
#endif

template <class T>
struct Kernels {
  decltype(&portable::max_forward<T>) max_forward;
  decltype(&portable::max_backward<false, T>) max_backward_write, max_backward_add;
  decltype(&portable::average_forward<T>) average_forward;
  decltype(&portable::average_backward_add<T>) average_backward_add;
};

#define HEADRACE_KERNELS(set)                                                     \
  Kernels<T> {                                                                    \
    set::max_forward<T>, set::max_backward<false, T>, set::max_backward<true, T>, \
        set::average_forward<T>, set::average_backward_add<T>                     \
  }

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

}  // namespace

void max_pool_forward(const PoolRow& row, Array x, Array y, std::uint8_t* winners,
                      std::int64_t winners_step) {
  with_type(x.type, [&]<class T>(T*) {
    kernels<T>().max_forward(row, of<T>(x), of<T>(y), y.stride, winners, winners_step);
  });
}

void max_pool_backward_write(const PoolRow& row, Array dy, const std::uint8_t* winners,
                             std::int64_t winners_step, Array dx) {
  max_pool_relu_backward_write(row, dy, {}, winners, winners_step, dx);
}

void max_pool_relu_backward_write(const PoolRow& row, Array dy, Array y,
                                  const std::uint8_t* winners, std::int64_t winners_step,
                                  Array dx) {
  with_type(dy.type, [&]<class T>(T*) {
    kernels<T>().max_backward_write(row, of<T>(dy), dy.stride, of<T>(y), y.stride, winners,
                                    winners_step, of<T>(dx));
  });
}

void max_pool_backward_add(const PoolRow& row, Array dy, const std::uint8_t* winners,
                           std::int64_t winners_step, Array dx) {
  with_type(dy.type, [&]<class T>(T*) {
    kernels<T>().max_backward_add(row, of<T>(dy), dy.stride, nullptr, 0, winners, winners_step,
                                  of<T>(dx));
  });
}

void average_pool_forward(const PoolRow& row, Array x, Array y) {
  with_type(x.type,
            [&]<class T>(T*) { kernels<T>().average_forward(row, of<T>(x), of<T>(y), y.stride); });
}

void average_pool_backward_add(const PoolRow& row, Array dy, Array dx) {
  with_type(dy.type, [&]<class T>(T*) {
    kernels<T>().average_backward_add(row, of<T>(dy), dy.stride, of<T>(dx));
  });
}

}  // namespace headrace::cpu
