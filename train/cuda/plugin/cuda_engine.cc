#include "headrace/train/cuda/plugin/cuda_engine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "headrace/train/cuda/plugin/launch.h"

namespace headrace::cuda {
namespace {

constexpr std::size_t piece_bytes = std::size_t{4} << 20;

std::string device_name(int device) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "asking for its name");
  return properties.name;
}

// Memory that is large enough, of those that were made; what was given out stays where it is.
void* room(std::vector<DeviceBuffer>& buffers, std::size_t bytes, const char* what) {
  if (bytes == 0) return nullptr;
  if (buffers.empty() || buffers.back().bytes() < bytes) {
    buffers.push_back(allocate_device(bytes, what));
  }
  return buffers.back().data();
}

class RecordedGraph : public gpu::Recording {
 public:
  RecordedGraph(CudaGraphExec graph, cudaStream_t stream)
      : graph_(std::move(graph)), stream_(stream) {}
  void play() override { check_cuda(cudaGraphLaunch(graph_.get(), stream_), "starting a step"); }

 private:
  CudaGraphExec graph_;
  cudaStream_t stream_;
};

// What could not be recorded is queued piece by piece each time.
class PlainWork : public gpu::Recording {
 public:
  explicit PlainWork(std::function<void()> work) : work_(std::move(work)) {}
  void play() override { work_(); }

 private:
  std::function<void()> work_;
};

class PinnedReading : public gpu::Reading {
 public:
  PinnedReading(std::size_t bytes, int device, cudaStream_t stream)
      : memory_(allocate_pinned(bytes, "what is read of steps")), device_(device), stream_(stream) {
    // Who waits leaves the core to those who make batches.
    cudaEvent_t event = nullptr;
    check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync),
               "making an event");
    done_ = CudaEvent(event);
  }
  void begin(const void* from) override {
    const UseDevice use(device_);
    check_cuda(
        cudaMemcpyAsync(memory_.data(), from, memory_.bytes(), cudaMemcpyDeviceToHost, stream_),
        "copying from it");
    check_cuda(cudaEventRecord(done_.get(), stream_), "copying from it");
  }
  const std::byte* wait() override {
    const UseDevice use(device_);
    check_cuda(cudaEventSynchronize(done_.get()), "waiting for it");
    return memory_.data();
  }

 private:
  PinnedBuffer memory_;
  CudaEvent done_;
  int device_;
  cudaStream_t stream_;
};

}  // namespace

CudaEngine::CudaEngine(int device, const std::string& choices)
    : device_(device), choices_(choices) {
  const UseDevice use(device);
  check_kernels();
  name_ = device_name(device) + ", " + Convolutions::version() + ", " + Products::version();
  stream_ = make_stream();
  for (Piece& piece : ring_) {
    piece.memory = allocate_pinned(piece_bytes, "copies to the GPU");
    piece.free = make_event();
  }
  convolutions_ = std::make_unique<Convolutions>(
      stream_.get(), [this](std::size_t bytes) { return room(workspaces_, bytes, "convolutions"); },
      choices_, device_name(device) + ", " + Convolutions::version());
  products_ = std::make_unique<Products>(stream_.get());
}

CudaEngine::~CudaEngine() {
  cudaSetDevice(device_);
  cudaStreamSynchronize(stream_.get());
}

std::shared_ptr<std::byte> CudaEngine::allocate(std::size_t bytes, const char* what) {
  const UseDevice use(device_);
  auto buffer = std::make_shared<DeviceBuffer>(allocate_device(bytes, what));
  return {buffer, buffer->data()};
}

std::size_t CudaEngine::free_bytes() const {
  const UseDevice use(device_);
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "asking for free memory");
  return free;
}

void CudaEngine::copy_in(void* to, const void* from, std::size_t bytes) {
  const UseDevice use(device_);
  const auto* source = static_cast<const std::byte*>(from);
  auto* target = static_cast<std::byte*>(to);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t size = std::min(piece_bytes, bytes - done);
    Piece& piece = ring_[next_piece_];
    next_piece_ = (next_piece_ + 1) % ring_.size();
    check_cuda(cudaEventSynchronize(piece.free.get()), "waiting for a copy");
    std::memcpy(piece.memory.data(), source + done, size);
    check_cuda(cudaMemcpyAsync(target + done, piece.memory.data(), size, cudaMemcpyHostToDevice,
                               stream_.get()),
               "copying to it");
    check_cuda(cudaEventRecord(piece.free.get(), stream_.get()), "copying to it");
    done += size;
  }
}

void CudaEngine::copy_out(void* to, const void* from, std::size_t bytes) {
  const UseDevice use(device_);
  if (bytes > 0) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.get()),
               "copying from it");
  }
  wait();
}

std::unique_ptr<gpu::Reading> CudaEngine::make_reading(std::size_t bytes) {
  const UseDevice use(device_);
  return std::make_unique<PinnedReading>(bytes, device_, stream_.get());
}

void CudaEngine::clear(void* memory, std::size_t bytes) {
  if (rehearses_ || bytes == 0) return;
  const UseDevice use(device_);
  check_cuda(cudaMemsetAsync(memory, 0, bytes, stream_.get()), "clearing memory");
}

void CudaEngine::wait() {
  const UseDevice use(device_);
  check_cuda(cudaStreamSynchronize(stream_.get()), "waiting for it");
}

void CudaEngine::run(const gpu::EachKernel& kernel) {
  if (rehearses_) return;
  const UseDevice use(device_);
  launch(kernel, stream_.get());
}

void CudaEngine::run(const gpu::ColumnKernel& kernel) {
  const UseDevice use(device_);
  void* const memory = room(scratches_, scratch_bytes(kernel), "sums");
  if (!rehearses_) launch(kernel, memory, stream_.get());
}

void CudaEngine::run(const gpu::SegmentKernel& kernel) {
  if (rehearses_) return;
  const UseDevice use(device_);
  launch(kernel, stream_.get());
}

void CudaEngine::run(const gpu::Product& product) {
  if (product.rows == 0 || product.columns == 0) return;
  const UseDevice use(device_);
  const bool with_epilogue = products_->prepare(product);
  if (rehearses_) return;
  products_->run(product);
  if (with_epilogue) return;
  finish(product.rows, product.columns, {product.c, gpu::Type::f32, product.c_stride}, product.bias,
         product.relu);
}

void CudaEngine::run(const gpu::Convolution& convolution) {
  const UseDevice use(device_);
  const Convolutions::Way way = convolutions_->prepare(convolution, rehearses_);
  if (!way.is_there) {
    run_directly(convolution);
    return;
  }
  if (convolution.kind == gpu::ConvolutionKind::kernel_gradient) {
    run_kernel_gradient(convolution, way.gradient_in_type);
    return;
  }
  if (rehearses_) return;
  convolutions_->run(convolution, nullptr);
  if (convolution.kind != gpu::ConvolutionKind::forward || way.with_epilogue) return;
  const gpu::WindowShape& window = convolution.shape.window;
  finish(window.rows * window.windows(), convolution.shape.filters, convolution.y, convolution.bias,
         convolution.relu);
}

// Bias and relu, where a library does not do them along with the rest.
void CudaEngine::finish(std::int64_t groups, std::int64_t width, const gpu::Array& values,
                        const float* bias, bool relu) {
  if (bias == nullptr && !relu) return;
  const auto with = [&](auto kernel) {
    kernel.pieces = {groups, static_cast<std::uint32_t>(width)};
    kernel.x = kernel.y = values;
    kernel.bias = bias;
    kernel.relu = relu;
    run(kernel);
  };
  const bool eight = width % 8 == 0 && values.stride % 8 == 0 &&
                     reinterpret_cast<std::uintptr_t>(values.data) % 16 == 0;
  if (eight) {
    with(gpu::AddBias<8>{});
  } else {
    with(gpu::AddBias<1>{});
  }
}

void CudaEngine::run_kernel_gradient(const gpu::Convolution& convolution, bool in_type) {
  if (!in_type) {
    if (!rehearses_) convolutions_->run(convolution, convolution.kernel_gradient);
    return;
  }
  const gpu::DirectShape& shape = convolution.shape;
  const std::int64_t values = std::int64_t{shape.filters} * shape.window.size_y *
                              shape.window.size_x * shape.group_channels();
  void* const rounded = room(rounded_, static_cast<std::size_t>(values) * 2, "gradients in bf16");
  if (rehearses_) return;
  convolutions_->run(convolution, rounded);
  gpu::Copy<1> widen;
  widen.pieces = {1, static_cast<std::uint32_t>(values)};
  widen.from = {rounded, convolution.type, values};
  widen.to = {convolution.kernel_gradient, gpu::Type::f32, values};
  run(widen);
}

// By the plain kernels: slow, but right.
void CudaEngine::run_directly(const gpu::Convolution& convolution) {
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
      gpu::run_taps(convolution, [this](const gpu::TapGradient& tap) { run(tap); });
      break;
  }
}

// Plans are chosen, and memory is taken, before the recording: neither may be done in one.
void CudaEngine::rehearse(const std::function<void()>& work) {
  rehearses_ = true;
  try {
    work();
  } catch (...) {
    rehearses_ = false;
    throw;
  }
  rehearses_ = false;
  choices_.save();
}

CudaGraphExec CudaEngine::capture(const std::function<void()>& work) {
  // Relaxed: kernels that run for the first time are loaded meanwhile.
  check_cuda(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed),
             "recording a step");
  cudaGraph_t made = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream_.get(), &made);
    const CudaGraph ended(made);
    cudaGetLastError();
    throw;
  }
  const cudaError_t ended = cudaStreamEndCapture(stream_.get(), &made);
  const CudaGraph graph(made);
  check_cuda(ended, "recording a step");
  cudaGraphExec_t ready = nullptr;
  check_cuda(cudaGraphInstantiate(&ready, graph.get(), 0), "recording a step");
  return CudaGraphExec(ready);
}

std::unique_ptr<gpu::Recording> CudaEngine::record(const std::function<void()>& work) {
  const UseDevice use(device_);
  rehearse(work);
  try {
    return std::make_unique<RecordedGraph>(capture(work), stream_.get());
  } catch (const Error& error) {
    std::fprintf(
        stderr, "headrace: a step could not be recorded, its kernels are started one by one (%s)\n",
        error.what());
    return std::make_unique<PlainWork>(work);
  }
}

}  // namespace headrace::cuda
