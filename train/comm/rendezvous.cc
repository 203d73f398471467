#include "headrace/train/comm/rendezvous.h"

#include <algorithm>
#include <array>
#include <asio.hpp>
#include <cstdint>
#include <map>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// A client hears this first, so that it does not take another program for a server.
constexpr std::string_view greeting = "headrace rendezvous 1\n";

// What goes before each request and answer.
struct Head {
  enum Kind : std::uint32_t { set, get, done, refused };
  std::uint32_t kind = done;
  std::uint32_t name_size = 0;
  std::uint32_t value_size = 0;
};
constexpr std::uint32_t longest_name = 1 << 12;
constexpr std::uint32_t longest_value = 1 << 20;
constexpr std::size_t most_values = 1 << 20;

using HeadBytes = std::array<std::uint8_t, 12>;

HeadBytes encode(const Head& head) {
  HeadBytes bytes{};
  std::size_t at = 0;
  for (const std::uint32_t word : {head.kind, head.name_size, head.value_size}) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes[at++] = static_cast<std::uint8_t>(word >> shift);
    }
  }
  return bytes;
}

Head decode(const HeadBytes& bytes) {
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at]) | static_cast<std::uint32_t>(bytes[at + 1]) << 8 |
           static_cast<std::uint32_t>(bytes[at + 2]) << 16 |
           static_cast<std::uint32_t>(bytes[at + 3]) << 24;
  };
  return {word(0), word(4), word(8)};
}

std::string message(std::uint32_t kind, const std::string& name, const std::string& value) {
  const HeadBytes head = encode(
      {kind, static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())});
  return std::string(head.begin(), head.end()) + name + value;
}

class Session;

// What has been set, and who waits for what has not.
struct Values {
  std::map<std::string, std::string> known;
  std::map<std::string, std::vector<std::shared_ptr<Session>>> awaited;
};

// The server's side of one connection: a request, its answer, and so on.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Values& values) : socket_(std::move(socket)), values_(values) {}

  void start() { send(std::string(greeting)); }
  void answer(std::uint32_t kind, const std::string& value) { send(message(kind, "", value)); }

 private:
  // A connection that fails is forgotten, with this.
  template <class Next>
  auto then(Next next) {
    return [self = shared_from_this(), next](const asio::error_code& failed, std::size_t) {
      if (!failed) next(*self);
    };
  }

  void send(std::string text) {
    sending_ = std::move(text);
    asio::async_write(socket_, asio::buffer(sending_),
                      then([](Session& self) { self.read_head(); }));
  }

  void read_head() {
    asio::async_read(socket_, asio::buffer(head_bytes_),
                     then([](Session& self) { self.read_body(); }));
  }

  void read_body() {
    head_ = decode(head_bytes_);
    if (head_.name_size > longest_name || head_.value_size > longest_value) return;
    body_.resize(head_.name_size + head_.value_size);
    asio::async_read(socket_, asio::buffer(body_), then([](Session& self) { self.serve(); }));
  }

  void serve() {
    const std::string name = body_.substr(0, head_.name_size);
    if (head_.kind == Head::get) return get(name);
    const bool has_room = values_.known.size() < most_values;
    const bool is_new =
        has_room && values_.known.emplace(name, body_.substr(head_.name_size)).second;
    answer(is_new ? Head::done : Head::refused, "");
    if (!is_new) return;
    const auto awaited = values_.awaited.extract(name);
    if (awaited.empty()) return;
    for (const auto& session : awaited.mapped()) session->get(name);
  }

  void get(const std::string& name) {
    const auto found = values_.known.find(name);
    if (found != values_.known.end()) return answer(Head::done, found->second);
    values_.awaited[name].push_back(shared_from_this());
  }

  tcp::socket socket_;
  Values& values_;
  std::string sending_;
  HeadBytes head_bytes_{};
  Head head_;
  std::string body_;
};

}  // namespace

struct RendezvousServer::Impl {
  Values values;
  asio::io_context context;  // destroyed before the values that its sessions use
  tcp::acceptor acceptor{context};
  std::thread thread;

  void listen(const std::string& address, int port) {
    const tcp::endpoint endpoint(
        address.empty() ? asio::ip::address(asio::ip::address_v4::any())
                        : tcp::resolver(context).resolve(address, "")->endpoint().address(),
        static_cast<std::uint16_t>(port));
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  }

  void accept() {
    acceptor.async_accept([this](const asio::error_code& failed, tcp::socket socket) {
      if (!failed) std::make_shared<Session>(std::move(socket), values)->start();
      if (acceptor.is_open()) accept();
    });
  }
};

RendezvousServer::RendezvousServer(const std::string& address, int port)
    : impl_(std::make_unique<Impl>()) {
  try {
    impl_->listen(address, port);
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::io, "cannot listen at port " + std::to_string(port) +
                                   (address.empty() ? "" : " of " + address) + ": " +
                                   error.code().message());
  }
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] { impl->context.run(); });
}

RendezvousServer::~RendezvousServer() {
  impl_->context.stop();
  impl_->thread.join();
  // Sessions that wait hold each other's memory through the values.
  impl_->values.awaited.clear();
}

int RendezvousServer::port() const { return impl_->acceptor.local_endpoint().port(); }

struct RendezvousClient::Impl {
  std::string host;
  int port;
  asio::io_context context;
  tcp::socket socket{context};

  std::string place() const { return host + ":" + std::to_string(port); }
  [[noreturn]] void fail(const std::string& how) const {
    throw Error(ErrorCode::backend, place() + ", where processes are to meet, " + how);
  }

  // Runs one asynchronous operation; nothing if the time passed first.
  template <class Start>
  asio::error_code run(Clock::time_point until, Start start) {
    asio::error_code result = asio::error::would_block;
    start([&result](const asio::error_code& ended, auto&&...) { result = ended; });
    context.restart();
    context.run_until(until);
    if (result != asio::error::would_block) return result;
    asio::error_code ignored;
    socket.close(ignored);
    context.run();
    return asio::error::timed_out;
  }

  asio::error_code connect_once(Clock::time_point until) {
    asio::error_code failed;
    const auto places = tcp::resolver(context).resolve(host, std::to_string(port), failed);
    if (failed) return failed;
    return run(until, [&](auto done) { asio::async_connect(socket, places, done); });
  }

  void connect(Clock::time_point until) {
    asio::error_code failed;
    while ((failed = connect_once(until))) {
      if (Clock::now() >= until) {
        fail("does not answer (" + failed.message() + "): is rank 0 running there?");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    socket.set_option(tcp::no_delay(true));
  }

  void greet(Clock::time_point until) {
    std::string heard(greeting.size(), '\0');
    const auto failed =
        run(until, [&](auto done) { asio::async_read(socket, asio::buffer(heard), done); });
    if (failed == asio::error::timed_out || heard != greeting) {
      fail("is in use by another program: choose another port (MASTER_PORT)");
    }
  }

  // The value of the answer.
  std::string ask(std::uint32_t kind, const std::string& name, const std::string& value,
                  Clock::time_point until) {
    const std::string request = message(kind, name, value);
    HeadBytes bytes{};
    std::string answer;
    auto failed =
        run(until, [&](auto done) { asio::async_write(socket, asio::buffer(request), done); });
    if (!failed) {
      failed = run(until, [&](auto done) { asio::async_read(socket, asio::buffer(bytes), done); });
    }
    const Head head = decode(bytes);
    if (!failed && head.value_size <= longest_value) {
      answer.resize(head.value_size);
      failed = run(until, [&](auto done) { asio::async_read(socket, asio::buffer(answer), done); });
    }
    if (failed == asio::error::timed_out) fail("has no \"" + name + "\" yet");
    if (failed) fail("is lost: " + failed.message());
    if (head.kind != Head::done) fail("has a \"" + name + "\" already");
    return answer;
  }
};

RendezvousClient::RendezvousClient(std::string host, int port, std::chrono::milliseconds deadline)
    : impl_(std::make_unique<Impl>()) {
  impl_->host = std::move(host);
  impl_->port = port;
  const auto until = Clock::now() + deadline;
  impl_->connect(until);
  impl_->greet(std::max(until, Clock::now() + std::chrono::seconds(1)));
}

RendezvousClient::~RendezvousClient() = default;

std::string RendezvousClient::local_address() const {
  return impl_->socket.local_endpoint().address().to_string();
}

void RendezvousClient::set(const std::string& name, const std::string& value) {
  impl_->ask(Head::set, name, value, Clock::now() + std::chrono::seconds(30));
}

std::string RendezvousClient::get(const std::string& name, std::chrono::milliseconds deadline) {
  return impl_->ask(Head::get, name, "", Clock::now() + deadline);
}

}  // namespace headrace
