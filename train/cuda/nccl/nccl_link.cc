#include "headrace/train/cuda/nccl/nccl_link.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/cuda/nccl/wire.h"

namespace headrace::cuda {
namespace {

std::string name_of(int device) {
  std::array<char, 128> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::array<char, 32> place{};
  check_cuda(cudaDeviceGetPCIBusId(place.data(), static_cast<int>(place.size()), device),
             "asking for its place");
  return std::string(host.data()) + " " + place.data();
}

}  // namespace

NcclLink::NcclLink(int device, cudaStream_t compute, bool in_bf16)
    : device_(device), name_(name_of(device)), compute_(compute), in_bf16_(in_bf16) {
  const UseDevice use(device);
  stream_ = make_stream();
  made_ = make_event();
}

// Others may be gone: nobody is waited for.
NcclLink::~NcclLink() { abort(); }

void NcclLink::abort() noexcept {
  if (communicator_ == nullptr) return;
  int before = 0;
  cudaGetDevice(&before);
  cudaSetDevice(device_);
  ncclCommAbort(std::exchange(communicator_, nullptr));
  cudaSetDevice(before);
}

void NcclLink::check(ncclResult_t result, const char* what) const {
  if (result == ncclSuccess || result == ncclInProgress) return;
  std::string text = std::string("NCCL: ") + what + ": " + ncclGetErrorString(result);
  const char* const detail = ncclGetLastError(communicator_);
  if (detail != nullptr && *detail != '\0') text += std::string(" (") + detail + ")";
  throw Error(ErrorCode::backend, text);
}

std::string NcclLink::make_id() {
  ncclUniqueId id;
  check(ncclGetUniqueId(&id), "making an id");
  return std::string(id.internal, sizeof id.internal);
}

void NcclLink::join(const std::string& text, int rank, int ranks) {
  ncclUniqueId id;
  if (text.size() != sizeof id.internal) {
    throw Error(ErrorCode::backend, "NCCL's id is of another version on rank 0");
  }
  std::memcpy(id.internal, text.data(), text.size());
  const UseDevice use(device_);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  check(ncclCommInitRankConfig(&communicator_, ranks, id, rank, &config), "joining");
}

// Whether it has taken in what it was told last.
bool NcclLink::is_ready() {
  if (communicator_ == nullptr) {
    throw Error(ErrorCode::backend, "NCCL's communicator was aborted");
  }
  ncclResult_t state = ncclSuccess;
  check(ncclCommGetAsyncError(communicator_, &state), "asking for its state");
  check(state, "adding up gradients");
  return state != ncclInProgress;
}

bool NcclLink::holds(const float* values) const {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, values) != cudaSuccess) {
    cudaGetLastError();
    return false;
  }
  return attributes.type == cudaMemoryTypeDevice && attributes.device == device_;
}

DeviceLink::Request NcclLink::add_up(std::span<float> values) {
  const UseDevice use(device_);
  check_cuda(cudaEventRecord(made_.get(), compute_), "exchanging gradients");
  check_cuda(cudaStreamWaitEvent(stream_.get(), made_.get(), 0), "exchanging gradients");
  waiting_.push_back({next_, values});
  advance();
  return next_++;
}

void NcclLink::advance() {
  while (!waiting_.empty()) {
    if (!is_ready()) return;
    if (!begun_) {
      begin(waiting_.front());
      begun_ = true;
      continue;
    }
    end(waiting_.front());
    waiting_.pop_front();
    begun_ = false;
  }
}

void NcclLink::begin(const Sum& sum) {
  const std::size_t count = sum.values.size();
  float* const values = sum.values.data();
  if (!in_bf16_) {
    check(ncclAllReduce(values, values, count, ncclFloat32, ncclSum, communicator_, stream_.get()),
          "starting to add up");
    return;
  }
  if (halves_.bytes() < count * sizeof(std::uint16_t)) {
    // What runs may still use the old ones.
    check_cuda(cudaStreamSynchronize(stream_.get()), "exchanging gradients");
    halves_ = allocate_device(count * sizeof(std::uint16_t), "gradients on their way");
  }
  auto* const halves = halves_.as<std::uint16_t>();
  narrow(values, halves, count, stream_.get());
  check(ncclAllReduce(halves, halves, count, ncclBfloat16, ncclSum, communicator_, stream_.get()),
        "starting to add up");
}

void NcclLink::end(const Sum& sum) {
  if (in_bf16_) {
    widen(halves_.as<std::uint16_t>(), sum.values.data(), sum.values.size(), stream_.get());
  }
  CudaEvent event = new_event();
  check_cuda(cudaEventRecord(event.get(), stream_.get()), "exchanging gradients");
  running_.emplace(sum.request, std::move(event));
}

CudaEvent NcclLink::new_event() {
  if (spare_.empty()) return make_event();
  CudaEvent event = std::move(spare_.back());
  spare_.pop_back();
  return event;
}

bool NcclLink::done(Request request) {
  const UseDevice use(device_);
  advance();
  if (!is_ready()) return false;
  const auto found = running_.find(request);
  if (found == running_.end()) return false;
  const cudaError_t status = cudaEventQuery(found->second.get());
  if (status == cudaErrorNotReady) return false;
  check_cuda(status, "exchanging gradients");
  spare_.push_back(std::move(found->second));
  running_.erase(found);
  return true;
}

}  // namespace headrace::cuda
