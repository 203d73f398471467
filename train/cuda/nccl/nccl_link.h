#pragma once

#include <nccl.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/comm/device_link.h"

namespace headrace::cuda {

// Sums over GPUs by NCCL, on a stream of their own beside the one that computes. NCCL's
// communicator never blocks: what it has not started yet waits here.
class NcclLink final : public DeviceLink {
 public:
  NcclLink(int device, cudaStream_t compute, bool in_bf16);
  ~NcclLink() override;
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  std::string device() const override { return name_; }
  std::string make_id() override;
  void join(const std::string& id, int rank, int ranks) override;
  bool is_joined() override { return is_ready(); }
  bool holds(const float* values) const override;
  Request add_up(std::span<float> values) override;
  bool done(Request request) override;
  void abort() noexcept override;

 private:
  struct Sum {
    Request request = 0;
    std::span<float> values;
  };
  bool is_ready();
  void check(ncclResult_t result, const char* what) const;
  void advance();
  void begin(const Sum& sum);
  void end(const Sum& sum);
  CudaEvent new_event();

  int device_;
  std::string name_;
  cudaStream_t compute_;
  bool in_bf16_;
  CudaStream stream_;
  CudaEvent made_;  // on the stream that computes: what is to be added up
  DeviceBuffer halves_;
  ncclComm_t communicator_ = nullptr;
  Request next_ = 0;
  std::deque<Sum> waiting_;  // the first may be under way to the stream
  bool begun_ = false;       // it is
  std::map<Request, CudaEvent> running_;
  std::vector<CudaEvent> spare_;
};

}  // namespace headrace::cuda
