#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "headrace/train/comm/link.h"
#include "headrace/train/process_group.h"

namespace headrace::fake {

// Processes that are threads of this one, and the messages between them: to test with what is
// between processes without starting any.
class Network {
 public:
  explicit Network(int processes);
  ~Network();

  ProcessGroup::OpenLink link(int process);
  // From now on the process says nothing and hears nothing, as if it were stopped.
  void stop(int process);
  void resume(int process);
  int jobs_ended() const;  // calls of Link::end_job

 private:
  struct State;
  class MailboxLink;
  std::shared_ptr<State> state_;
};

}  // namespace headrace::fake
