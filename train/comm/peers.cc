#include "headrace/train/comm/peers.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace headrace {
namespace {

constexpr int control_tag = 0;
constexpr auto alive_every = std::chrono::milliseconds(100);
constexpr auto silent_after = std::chrono::milliseconds(600);

}  // namespace

Peers::Peers(Link& link) : link_(link), peers_(static_cast<std::size_t>(link.processes())) {
  const std::string place = "process " + std::to_string(::getpid()) + " on " + link.host();
  at(link.process()).place = place;
  at(link.process()).met = at(link.process()).left = true;
  for (int peer = 0; peer < link.processes(); ++peer) {
    if (peer != link.process()) receive(peer);
  }
  send_to_all(with_text(Kind::hello, place));
}

Peers::Message Peers::with_text(Kind kind, const std::string& text) {
  Message message;
  message.kind = kind;
  const std::size_t length = std::min(text.size(), message.text.size() - 1);
  std::copy_n(text.begin(), length, message.text.begin());
  return message;
}

void Peers::receive(int peer) {
  at(peer).request =
      link_.receive(peer, control_tag, std::as_writable_bytes(std::span(&at(peer).message, 1)));
}

void Peers::send(int peer, const Message& message) {
  Sending& sending = sending_.emplace_back(Sending{peer, message});
  sending.request = link_.send(peer, control_tag, std::as_bytes(std::span(&sending.message, 1)));
}

void Peers::send_to_all(const Message& message) {
  for (int peer = 0; peer < link_.processes(); ++peer) {
    if (peer != link_.process()) send(peer, message);
  }
}

bool Peers::sweep_sent() {
  return std::erase_if(sending_, [&](const Sending& sending) {
           if (!link_.done(sending.request)) return false;
           if (sending.message.kind == Kind::alive) at(sending.to).alive_on_its_way = false;
           return true;
         }) > 0;
}

bool Peers::poll() {
  sweep_sent();
  bool any = false;
  for (int peer = 0; peer < link_.processes(); ++peer) {
    // After its last message nothing is received from it.
    while (!at(peer).left && link_.done(at(peer).request)) {
      any = true;
      take(peer);
      if (!at(peer).left) receive(peer);
    }
  }
  const auto now = Clock::now();
  if (!leaving_ && now - said_alive_ >= alive_every) {
    said_alive_ = now;
    for (int peer = 0; peer < link_.processes(); ++peer) {
      // To one that takes none no more are sent.
      if (peer == link_.process() || at(peer).left || at(peer).alive_on_its_way) continue;
      at(peer).alive_on_its_way = true;
      send(peer, Message{});
    }
  }
  return any;
}

void Peers::take(int peer) {
  Peer& from = at(peer);
  const Message& message = from.message;
  const std::string text(
      message.text.data(),
      static_cast<std::size_t>(std::find(message.text.begin(), message.text.end(), '\0') -
                               message.text.begin()));
  if (message.version != Message{}.version) {
    throw std::runtime_error("rank " + std::to_string(peer) + " runs another version of headrace");
  }
  from.heard = Clock::now();
  switch (message.kind) {
    case Kind::hello:
      from.met = true;
      from.place = text;
      break;
    case Kind::operation: from.operations.push_back(message.operation); break;
    case Kind::alive: break;
    case Kind::failed:
      if (!failure_) failure_ = text;
      from.left = true;
      break;
    case Kind::leaving: from.left = true; break;
  }
}

std::optional<Announcement> Peers::next_announcement(int peer) {
  std::list<Announcement>& operations = at(peer).operations;
  if (operations.empty()) return std::nullopt;
  const Announcement next = operations.front();
  operations.pop_front();
  return next;
}

bool Peers::is_silent(int peer) const {
  return peer != link_.process() && Clock::now() - at(peer).heard > silent_after;
}

std::string Peers::place(int peer) const { return at(peer).place; }

void Peers::announce(const Announcement& operation) {
  Message message;
  message.kind = Kind::operation;
  message.operation = operation;
  send_to_all(message);
}

void Peers::say_failed(const std::string& reason) {
  if (leaving_) return;
  send_to_all(with_text(Kind::failed, reason));
  leaving_ = true;
}

void Peers::say_leaving() {
  send_to_all(with_text(Kind::leaving, ""));
  leaving_ = true;
}

}  // namespace headrace
