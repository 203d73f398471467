#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/train/comm/link.h"
#include "headrace/train/communicator.h"

namespace headrace {

// One operation on its way between processes. Sums are made of every rank's own values, in the
// order of ranks: a large buffer is cut into a part for each process, which gets all ranks' values
// of its part, adds them up and gives the sum to all; of a small one every process gets everything,
// to save a round of messages. The bits are the same either way.
class Transfer {
 public:
  // `buffers` are this process's ranks', of `size` values each. Sends what it can at once.
  Transfer(Link& link, std::uint64_t number, Collective kind, std::size_t size,
           std::vector<float*> buffers);

  // That process has come to the same operation: its values may be received.
  void peer_has_come(int peer);
  // Goes on where messages have arrived. Returns whether anything did.
  bool advance();
  bool done() const { return stage_ == Stage::done; }
  bool waits_for(int peer) const;

 private:
  enum class Stage { values, sums, done };
  struct Pending {
    int peer;
    Link::Request request;
  };
  struct Range {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  Range part_of(int process) const;
  std::size_t replicas() const { return buffers_.size(); }
  std::span<float> values_from(int peer);
  int tag() const;
  void send(int peer, std::span<const float> values);
  void receive(int peer, std::span<float> values);
  void send_values();
  bool all_have_come() const;
  void end_values();
  void gather();
  void sum(Range range);
  void share_among_replicas();

  Link& link_;
  std::uint64_t number_;
  Collective kind_;
  std::size_t size_;
  std::vector<float*> buffers_;
  std::size_t processes_;
  std::size_t process_;
  bool whole_;  // every process gets every value
  Stage stage_ = Stage::values;
  std::vector<bool> come_;
  std::vector<Pending> pending_;
  std::vector<float> own_;       // of all own ranks, where they are sent as one
  std::vector<float> received_;  // by process and rank
};

}  // namespace headrace
