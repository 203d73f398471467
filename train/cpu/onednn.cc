#include "headrace/train/cpu/onednn.h"

// Of the OpenMP runtime that oneDNN is linked with. Declared here because the OpenMP header and
// library of the compiler in use may belong to another runtime, which oneDNN does not ask.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);
}

namespace headrace::cpu {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

bool has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float beta,
              float* c, std::int64_t c_row_length) {
  const auto status =
      dnnl::sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f, a.data,
                  a.row_length, b.data, b.row_length, beta, c, c_row_length > 0 ? c_row_length : n);
  dnnl::error::wrap_c_api(static_cast<dnnl_status_t>(status), "oneDNN: sgemm failed");
}

}  // namespace headrace::cpu
