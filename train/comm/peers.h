#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/comm/link.h"
#include "headrace/train/communicator.h"

namespace headrace {

// An operation that a process has come to with all its ranks.
struct Announcement {
  std::uint64_t number = 0;
  Collective kind = Collective::all_reduce_sum;
  std::uint64_t size = 0;
  std::uint32_t replicas = 0;
};

// What processes tell each other beside the operations' values: who they are, what they have come
// to, that they live, fail, leave. Used by the thread of the link.
class Peers {
 public:
  explicit Peers(Link& link);

  // Takes what has come, and says now and then that this process lives. Returns whether anything
  // has come.
  bool poll();
  void announce(const Announcement& operation);
  void say_failed(const std::string& reason);
  void say_leaving();
  bool all_is_sent() const { return sending_.empty(); }

  bool has_met(int peer) const { return at(peer).met; }
  bool has_left(int peer) const { return at(peer).left; }
  // The first of those not asked for yet, if it has come; they come in order.
  std::optional<Announcement> next_announcement(int peer);
  // What the first of them that failed said.
  const std::optional<std::string>& failure() const { return failure_; }
  // It has said nothing for some time: it is stopped, or gone.
  bool is_silent(int peer) const;
  std::string place(int peer) const;  // "process 4711 on node3", once met

 private:
  using Clock = std::chrono::steady_clock;
  enum class Kind : std::uint32_t { hello, operation, alive, failed, leaving };
  struct Message {
    std::uint32_t version = 1;
    Kind kind = Kind::alive;
    Announcement operation = {};
    std::array<char, 464> text = {};
  };
  struct Peer {
    Message message = {};  // to be received into
    Link::Request request = 0;
    Clock::time_point heard = {};
    bool met = false;
    bool left = false;
    bool alive_on_its_way = false;
    std::string place;
    std::list<Announcement> operations;
  };
  struct Sending {
    int to;
    Message message;
    Link::Request request = 0;
  };

  Peer& at(int peer) { return peers_[static_cast<std::size_t>(peer)]; }
  const Peer& at(int peer) const { return peers_[static_cast<std::size_t>(peer)]; }
  void receive(int peer);
  void take(int peer);
  void send(int peer, const Message& message);
  void send_to_all(const Message& message);
  bool sweep_sent();
  static Message with_text(Kind kind, const std::string& text);

  Link& link_;
  std::vector<Peer> peers_;
  std::list<Sending> sending_;  // a message lies still while it is sent
  Clock::time_point said_alive_ = {};
  bool leaving_ = false;  // nothing more is said
  std::optional<std::string> failure_;
};

}  // namespace headrace
