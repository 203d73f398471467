#pragma once

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace headrace {

// While it lives, root may do no more than others, so that refusals can be tested.
class Unprivileged {
 public:
  Unprivileged() : user_(::geteuid()) {
    constexpr uid_t nobody = 65534;
    if (user_ == 0 && ::seteuid(nobody) != 0) throw std::runtime_error("cannot become nobody");
  }
  ~Unprivileged() {
    if (user_ == 0 && ::seteuid(user_) != 0) std::abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  uid_t user_;
};

}  // namespace headrace
