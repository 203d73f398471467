#include "headrace/train/cuda/plugin/products.h"

#include <algorithm>
#include <cstdint>

namespace headrace::cuda {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorCode::backend,
              std::string("cuBLASLt: ") + what + ": " + cublasLtGetStatusString(status));
}

// How an address is aligned, up to what cuBLASLt takes an interest in.
std::uint32_t alignment(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address) | 256u;
  return static_cast<std::uint32_t>(bits & ~(bits - 1));
}

std::string describe(const gpu::Product& p) {
  std::string text;
  for (const std::int64_t number :
       {p.rows, p.columns, p.inner, p.a.stride, p.b.stride, p.c_stride,
        std::int64_t{p.a.is_transposed}, std::int64_t{p.b.is_transposed}, std::int64_t{p.beta != 0},
        std::int64_t{p.bias != nullptr}, std::int64_t{p.relu}, static_cast<std::int64_t>(p.math),
        std::int64_t{alignment(p.a.data)}, std::int64_t{alignment(p.b.data)},
        std::int64_t{alignment(p.c)}}) {
    text += std::to_string(number) + " ";
  }
  return text;
}

struct Layout {
  // As it lies, by columns.
  Layout(std::int64_t rows, std::int64_t columns, std::int64_t stride) {
    check(cublasLtMatrixLayoutCreate(&handle, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), stride),
          "describing a matrix");
  }
  ~Layout() { cublasLtMatrixLayoutDestroy(handle); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  cublasLtMatrixLayout_t handle = nullptr;
};

struct Preference {
  Preference() { check(cublasLtMatmulPreferenceCreate(&handle), "choosing an algorithm"); }
  ~Preference() { cublasLtMatmulPreferenceDestroy(handle); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  template <class Value>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulPreferenceSetAttribute(handle, attribute, &value, sizeof value),
          "choosing an algorithm");
  }
  cublasLtMatmulPreference_t handle = nullptr;
};

struct Operation {
  explicit Operation(gpu::Math math) {
    check(cublasLtMatmulDescCreate(
              &handle, math == gpu::Math::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
              CUDA_R_32F),
          "describing a product");
  }
  ~Operation() { cublasLtMatmulDescDestroy(handle); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulDescSetAttribute(handle, attribute, &value, sizeof value),
          "describing a product");
  }
  cublasLtMatmulDesc_t handle = nullptr;
};

}  // namespace

// By columns, as cuBLASLt has it, a row-major matrix is its transpose: so c's transpose is made, of
// b's and a's.
struct Products::Plan {
  explicit Plan(const gpu::Product& p)
      : operation(p.math),
        b(p.b.is_transposed ? p.inner : p.columns, p.b.is_transposed ? p.columns : p.inner,
          p.b.stride),
        a(p.a.is_transposed ? p.rows : p.inner, p.a.is_transposed ? p.inner : p.rows, p.a.stride),
        c(p.columns, p.rows, p.c_stride) {
    operation.set(CUBLASLT_MATMUL_DESC_TRANSA, p.b.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    operation.set(CUBLASLT_MATMUL_DESC_TRANSB, p.a.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  }
  // Whether there is an algorithm that does all of it.
  bool find(cublasLtHandle_t lt, const gpu::Product& p, bool epilogue) {
    with_epilogue = epilogue;
    cublasLtEpilogue_t what = CUBLASLT_EPILOGUE_DEFAULT;
    if (epilogue && p.bias != nullptr) {
      what = p.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
      operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
    } else if (epilogue && p.relu) {
      what = CUBLASLT_EPILOGUE_RELU;
    }
    operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, what);
    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.b.data));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.a.data));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.c));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.c));
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(lt, operation.handle, b.handle, a.handle, c.handle, c.handle,
                                       preference.handle, 1, &result, &found);
    return status == CUBLAS_STATUS_SUCCESS && found > 0;
  }

  Operation operation;
  Layout b, a, c;
  cublasLtMatmulHeuristicResult_t result{};
  bool with_epilogue = false;
};

Products::Products(cudaStream_t stream)
    : stream_(stream), workspace_(allocate_device(workspace_bytes, "matrix products")) {
  check(cublasLtCreate(&handle_), "opening the library");
}

Products::~Products() { cublasLtDestroy(handle_); }

std::string Products::version() {
  const std::size_t number = cublasLtGetVersion();
  return "cuBLASLt " + std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) +
         "." + std::to_string(number % 100);
}

std::unique_ptr<Products::Plan> Products::plan(const gpu::Product& product) {
  auto made = std::make_unique<Plan>(product);
  const bool has_epilogue = product.bias != nullptr || product.relu;
  if (has_epilogue && made->find(handle_, product, true)) return made;
  if (made->find(handle_, product, false)) return made;
  throw Error(ErrorCode::unsupported,
              "cuBLASLt multiplies no matrices of " + std::to_string(product.rows) + " x " +
                  std::to_string(product.inner) + " and " + std::to_string(product.inner) + " x " +
                  std::to_string(product.columns));
}

bool Products::prepare(const gpu::Product& product) {
  std::unique_ptr<Plan>& plan_of = plans_[describe(product)];
  if (!plan_of) plan_of = plan(product);
  return plan_of->with_epilogue;
}

void Products::run(const gpu::Product& product) {
  Plan& plan_of = *plans_.at(describe(product));
  if (plan_of.with_epilogue && product.bias != nullptr) {
    plan_of.operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  }
  const float one = 1;
  check(cublasLtMatmul(handle_, plan_of.operation.handle, &one, product.b.data, plan_of.b.handle,
                       product.a.data, plan_of.a.handle, &product.beta, product.c, plan_of.c.handle,
                       product.c, plan_of.c.handle, &plan_of.result.algo, workspace_.data(),
                       workspace_bytes, stream_),
        "multiplying matrices");
}

}  // namespace headrace::cuda
