#include "headrace/train/comm/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr milliseconds ample{30'000};
constexpr milliseconds brief{50};
constexpr const char* here = "127.0.0.1";

RendezvousClient client_of(const RendezvousServer& server) {
  return RendezvousClient(here, server.port(), ample);
}

TEST(Rendezvous, WhatOneSetsAllGetBytesOfAnyKind) {
  const RendezvousServer server(here, 0);
  RendezvousClient one = client_of(server);
  RendezvousClient other = client_of(server);
  const std::string value("\0\xff line\n", 8);
  one.set("a", value);
  one.set("empty", "");
  one.set("long", std::string(1 << 20, 'x'));
  EXPECT_EQ(other.get("a", ample), value);
  EXPECT_EQ(one.get("a", ample), value);
  EXPECT_EQ(other.get("empty", ample), "");
  EXPECT_EQ(other.get("long", ample).size(), std::size_t{1} << 20);
}

TEST(Rendezvous, GettingWaitsUntilAnotherSets) {
  const RendezvousServer server(here, 0);
  std::vector<std::jthread> ranks;
  std::vector<std::string> got(4);
  for (std::size_t rank = 0; rank < got.size(); ++rank) {
    ranks.emplace_back([&, rank] {
      RendezvousClient client = client_of(server);
      client.set("rank " + std::to_string(rank), std::to_string(rank));
      for (std::size_t of = 0; of < 4; ++of) {
        got[rank] += client.get("rank " + std::to_string(of), ample);
      }
    });
  }
  ranks.clear();
  EXPECT_THAT(got, ::testing::Each("0123"));
}

TEST(Rendezvous, WhatNobodySetsIsNamedWhenTheDeadlinePasses) {
  const RendezvousServer server(here, 0);
  RendezvousClient client = client_of(server);
  EXPECT_THAT(
      [&] { client.get("rank 3", brief); },
      throws_error(ErrorCode::backend, AllOf(HasSubstr(here), HasSubstr("has no \"rank 3\" yet"))));
}

TEST(Rendezvous, ANameIsGivenAValueOnce) {
  const RendezvousServer server(here, 0);
  RendezvousClient client = client_of(server);
  client.set("rank 1", "a");
  EXPECT_THAT([&] { client.set("rank 1", "b"); },
              throws_error(ErrorCode::backend, HasSubstr("has a \"rank 1\" already")));
  EXPECT_EQ(client.get("rank 1", ample), "a");
}

TEST(Rendezvous, AClientWaitsForTheServerToStart) {
  int port = 0;
  {
    const RendezvousServer to_find_a_port(here, 0);
    port = to_find_a_port.port();
  }
  std::jthread late([port] {
    RendezvousClient client(here, port, ample);
    client.set("came", "");
  });
  std::this_thread::sleep_for(brief);
  const RendezvousServer server(here, port);
  EXPECT_EQ(client_of(server).get("came", ample), "");
}

TEST(Rendezvous, APortThatIsTakenIsNamed) {
  const RendezvousServer server(here, 0);
  EXPECT_THAT([&] { RendezvousServer(here, server.port()); },
              throws_error(ErrorCode::io, AllOf(HasSubstr(std::to_string(server.port())),
                                                HasSubstr("already in use"))));
}

TEST(Rendezvous, WithoutAServerAClientGivesUpAtTheDeadline) {
  int port = 0;
  {
    const RendezvousServer gone(here, 0);
    port = gone.port();
  }
  EXPECT_THAT([&] { RendezvousClient(here, port, brief); },
              throws_error(ErrorCode::backend, HasSubstr("is rank 0 running there?")));
}

TEST(Rendezvous, AServerThatEndsIsAnErrorForThoseWhoWait) {
  auto server = std::make_unique<RendezvousServer>(here, 0);
  RendezvousClient client = client_of(*server);
  std::jthread end([&] {
    std::this_thread::sleep_for(brief);
    server.reset();
  });
  EXPECT_THAT([&] { client.get("never", ample); },
              throws_error(ErrorCode::backend, HasSubstr("is lost")));
}

// A listener that says nothing, as a program of another kind may.
TEST(Rendezvous, AnotherProgramIsNotTakenForAServer) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  EXPECT_THAT([&] { RendezvousClient(here, ntohs(address.sin_port), brief); },
              throws_error(ErrorCode::backend, HasSubstr("in use by another program")));
  ::close(listener);
}

// What is no request ends that connection and touches nobody else.
TEST(Rendezvous, NonsenseFromOneClientDoesNotReachOthers) {
  const RendezvousServer server(here, 0);
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
  ASSERT_EQ(::connect(other, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string nonsense(64, '\xff');
  EXPECT_EQ(::send(other, nonsense.data(), nonsense.size(), MSG_NOSIGNAL), 64);
  RendezvousClient client = client_of(server);
  client.set("a", "b");
  EXPECT_EQ(client.get("a", ample), "b");
  std::string heard;
  char text[64];
  for (ssize_t count; (count = ::recv(other, text, sizeof text, 0)) > 0;) {
    heard.append(text, static_cast<std::size_t>(count));
  }
  EXPECT_THAT(heard, HasSubstr("headrace rendezvous"));
  ::close(other);
}

}  // namespace
}  // namespace headrace
