#pragma once

#include <list>
#include <memory>

#include "headrace/train/comm/exchange.h"

namespace headrace {

// What the thread of an Exchange does.
class Exchange::Carrier {
 public:
  Carrier(Shared& shared, Link& link) : shared_(shared), link_(link), peers_(link) {}

  // All throw what ends the group, with the reason.
  void meet(Clock::time_point until);
  void carry();  // until the group is closed
  void leave(Clock::time_point until);
  // Tells the others; afterwards no buffer is touched.
  void fail(const std::string& reason) noexcept;

 private:
  struct Moving {
    std::uint64_t number;
    std::shared_ptr<Operation> operation;
    Transfer transfer;
    std::vector<bool> come;
  };

  bool take_submitted();
  bool match();
  bool match(Moving& moving);
  bool advance();
  void check_peers();
  void check_overdue();
  void rest(bool moved);
  std::string rank_of(int process) const;
  std::string missing(const Moving& moving) const;

  Shared& shared_;
  Link& link_;
  Peers peers_;
  std::uint64_t next_ = 0;
  std::list<Moving> moving_;
  std::size_t replicas_ = 1;
  int idle_rounds_ = 0;
};

}  // namespace headrace
