#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "headrace/train/comm/device_link.h"
#include "headrace/train/communicator.h"

namespace headrace {

// Adds up what lies on devices by a link between them, and does the rest by a communicator of
// processes, which also knows who is lost. Not installed.
class DeviceCommunicator final : public Communicator {
 public:
  // All ranks have opened a link, or one of them cannot: `link` null. Then, and if two have the
  // same device, the answer is `processes` itself; `why` says so ("rank 0 and rank 1 share a GPU").
  // Throws Error{backend} naming a rank that has not come by the deadline.
  static std::unique_ptr<Communicator> make(std::unique_ptr<Communicator> processes,
                                            std::unique_ptr<DeviceLink> link,
                                            std::chrono::milliseconds deadline, std::string& why);
  ~DeviceCommunicator() override;

  int rank() const override { return processes_->rank(); }
  int world_size() const override { return processes_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override;
  void wait(Ticket ticket, std::chrono::milliseconds deadline) override;
  bool works_alone() const override { return true; }
  Clock::time_point done_at(Ticket ticket) const override;
  bool reaches_devices() const override { return true; }
  void check() override { processes_->check(); }
  void abort(const char* reason) noexcept override;

 private:
  struct Operation {
    bool on_device = false;
    DeviceLink::Request request = 0;
    Ticket ticket = 0;  // of the processes
  };

  DeviceCommunicator(std::unique_ptr<Communicator> processes, std::unique_ptr<DeviceLink> link)
      : processes_(std::move(processes)), link_(std::move(link)) {}
  void join(std::chrono::milliseconds deadline);
  // Asks again and again, until it says yes.
  template <class Question>
  void poll(Question question, const char* what, std::chrono::milliseconds deadline);
  [[noreturn]] void fail(const std::string& what);
  [[noreturn]] void fail_late(const std::string& what);
  [[noreturn]] void tell(const std::string& what);

  std::unique_ptr<Communicator> processes_;
  std::unique_ptr<DeviceLink> link_;
  Ticket next_ = 0;
  std::map<Ticket, Operation> under_way_;
  std::map<Ticket, Clock::time_point> done_;  // of the last ones
};

}  // namespace headrace
