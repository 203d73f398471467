#include "host_engine.h"

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/train/gpu/gpu_plan.h"

namespace headrace {
namespace {

constexpr std::align_val_t alignment{256};

// As a block of threads does it: each thread takes a part of the groups, the parts are added up.
template <class Kernel, int lanes>
void sum_columns(const Kernel& kernel, const gpu::Pieces<lanes>& pieces) {
  constexpr std::int64_t parts = 3;
  for (std::uint32_t first = 0; first < pieces.width; first += lanes) {
    double sums[2][lanes] = {};
    for (std::int64_t part = 0; part < parts; ++part) {
      gpu::Values<lanes> a{}, b{};
      for (std::int64_t group = part; group < pieces.groups; group += parts) {
        kernel(group, first, a, b);
      }
      for (int i = 0; i < lanes; ++i) {
        sums[0][i] += a.at[i];
        sums[1][i] += b.at[i];
      }
    }
    for (int i = 0; i < lanes; ++i) {
      kernel.finish(first + static_cast<std::uint32_t>(i), sums[0][i], sums[1][i]);
    }
  }
}

float at(const gpu::Product::Matrix& matrix, std::int64_t row, std::int64_t column) {
  return matrix.is_transposed ? matrix.data[column * matrix.stride + row]
                              : matrix.data[row * matrix.stride + column];
}

void multiply(const gpu::Product& product) {
  for (std::int64_t row = 0; row < product.rows; ++row) {
    for (std::int64_t column = 0; column < product.columns; ++column) {
      double sum = 0;
      for (std::int64_t i = 0; i < product.inner; ++i) {
        sum += static_cast<double>(at(product.a, row, i)) * at(product.b, i, column);
      }
      float& c = product.c[row * product.c_stride + column];
      float value = static_cast<float>(sum);
      if (product.beta != 0) value += product.beta * c;
      if (product.bias != nullptr) value += product.bias[column];
      c = product.relu && !(value > 0) ? 0.0f : value;
    }
  }
}

class Replay : public gpu::Recording {
 public:
  explicit Replay(std::function<void()> work) : work_(std::move(work)) {}
  void play() override { work_(); }

 private:
  std::function<void()> work_;
};

}  // namespace

std::shared_ptr<std::byte> HostEngine::allocate(std::size_t bytes, const char*) {
  if (bytes == 0) return {};
  auto* const memory = static_cast<std::byte*>(::operator new(bytes, alignment));
  std::memset(memory, 0xff, bytes);  // not numbers, in f32 and bf16
  return {memory, [](std::byte* bytes_of) { ::operator delete(bytes_of, alignment); }};
}

class HostEngine::HostReading : public gpu::Reading {
 public:
  HostReading(HostEngine& engine, std::size_t bytes) : engine_(engine), copy_(bytes) {}
  void begin(const void* from) override {
    const auto number = ++begun_;
    engine_.queue([this, from, number] {
      std::memcpy(copy_.data(), from, copy_.size());
      done_ = number;
    });
  }
  const std::byte* wait() override {
    while (done_ < begun_ && engine_.do_next()) continue;
    return copy_.data();
  }

 private:
  HostEngine& engine_;
  std::vector<std::byte> copy_;
  int begun_ = 0, done_ = 0;
};

void HostEngine::queue(std::function<void()> work) {
  if (!is_lazy_) return work();
  queue_.push_back(std::move(work));
}

bool HostEngine::do_next() {
  if (queue_.empty()) return false;
  queue_.front()();
  queue_.pop_front();
  return true;
}

void HostEngine::wait() {
  ++waits;
  while (do_next()) continue;
}

void HostEngine::copy_in(void* to, const void* from, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(from);
  queue([to, copy = std::vector<std::byte>(first, first + bytes)] {
    if (!copy.empty()) std::memcpy(to, copy.data(), copy.size());
  });
}
void HostEngine::copy_out(void* to, const void* from, std::size_t bytes) {
  wait();
  if (bytes > 0) std::memcpy(to, from, bytes);
}
std::unique_ptr<gpu::Reading> HostEngine::make_reading(std::size_t bytes) {
  return std::make_unique<HostReading>(*this, bytes);
}
void HostEngine::clear(void* memory, std::size_t bytes) {
  queue([=] {
    if (bytes > 0) std::memset(memory, 0, bytes);
  });
}

void HostEngine::run(const gpu::EachKernel& kernel) {
  ++kernels;
  queue([kernel] {
    std::visit(
        [](const auto& one) {
          for (std::int64_t item = one.items(); item-- > 0;) one(static_cast<std::uint32_t>(item));
        },
        kernel);
  });
}

void HostEngine::run(const gpu::ColumnKernel& kernel) {
  ++kernels;
  queue([kernel] { std::visit([](const auto& one) { sum_columns(one, one.pieces); }, kernel); });
}

void HostEngine::run(const gpu::SegmentKernel& kernel) {
  ++kernels;
  queue([kernel] {
    std::visit(
        [](const auto& one) {
          for (std::int64_t segment = 0; segment < one.segments(); ++segment) {
            double sum = 0;
            for (std::int64_t i = 0; i < one.size(segment); ++i) sum += one(segment, i);
            one.finish(segment, sum);
          }
        },
        kernel);
  });
}

void HostEngine::run(const gpu::Product& product) {
  ++kernels;
  queue([product] { multiply(product); });
}

void HostEngine::run(const gpu::Convolution& convolution) {
  const gpu::Array kernel{const_cast<void*>(convolution.kernel), convolution.type, 0};
  switch (convolution.kind) {
    case gpu::ConvolutionKind::forward:
      run(gpu::DirectForward{convolution.shape, convolution.x, kernel, convolution.y,
                             convolution.bias, convolution.relu});
      break;
    case gpu::ConvolutionKind::input_gradient:
      run(gpu::DirectInputGradient{convolution.shape, convolution.y, kernel, convolution.x});
      break;
    case gpu::ConvolutionKind::kernel_gradient:
      gpu::run_taps(convolution, [&](const gpu::TapGradient& tap) { run(tap); });
      break;
  }
}

std::unique_ptr<gpu::Recording> HostEngine::record(const std::function<void()>& work) {
  ++recorded;
  return std::make_unique<Replay>(work);
}

std::unique_ptr<Plan> EngineBackend::compile(const Graph& graph, const PlanOptions& options) {
  return std::make_unique<gpu::GpuPlan>(engine_, graph, options);
}

}  // namespace headrace
