#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "headrace/train/comm/key_value_store.h"

namespace headrace {

// Where the processes of a job meet, over TCP: keeps their values, in memory, for as long as it
// lives. It works on a thread of its own. For networks whose machines trust each other: nothing is
// encrypted, and any process that reaches the port can read and add values.
class RendezvousServer {
 public:
  // Listens at an address of this machine ("": at all), at a port (0: at one that is free).
  // Throws Error{io} if that cannot be.
  RendezvousServer(const std::string& address, int port);
  ~RendezvousServer();
  RendezvousServer(const RendezvousServer&) = delete;
  RendezvousServer& operator=(const RendezvousServer&) = delete;

  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class RendezvousClient final : public KeyValueStore {
 public:
  // Tries until a server answers there. Throws Error{backend} if none has by the deadline, or what
  // answers is no such server.
  RendezvousClient(std::string host, int port, std::chrono::milliseconds deadline);
  ~RendezvousClient() override;
  RendezvousClient(const RendezvousClient&) = delete;
  RendezvousClient& operator=(const RendezvousClient&) = delete;

  // The address by which this machine reaches the server, in digits.
  std::string local_address() const;

  void set(const std::string& name, const std::string& value) override;
  std::string get(const std::string& name, std::chrono::milliseconds deadline) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace
