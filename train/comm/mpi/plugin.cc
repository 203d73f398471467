// The plugin headrace_mpi: messages between processes by MPI.

#include <mpi.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "headrace/train/comm/mpi/interface.h"

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

namespace headrace {
namespace {

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  throw std::runtime_error(std::string(call) + ": " +
                           std::string(text.data(), static_cast<std::size_t>(length)));
}

// All calls come from the thread that initialised MPI, so MPI_THREAD_FUNNELED is enough.
class MpiLink final : public Link {
 public:
  MpiLink() {
    int used = 0;
    MPI_Initialized(&used);
    if (used != 0) throw std::runtime_error("MPI is in use already: it can be joined only once");
    int provided = MPI_THREAD_SINGLE;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    if (provided < MPI_THREAD_FUNNELED) {
      throw std::runtime_error("this MPI is built for programs of one thread");
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(MPI_COMM_WORLD, &process_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &processes_), "MPI_Comm_size");
    MPI_Comm machine = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
          "MPI_Comm_split_type");
    check(MPI_Comm_size(machine, &local_processes_), "MPI_Comm_size");
    MPI_Comm_free(&machine);
  }

  int process() const override { return process_; }
  int processes() const override { return processes_; }
  int local_processes() const override { return local_processes_; }
  std::string host() const override {
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    check(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
    return {name.data(), static_cast<std::size_t>(length)};
  }

  Request send(int to, int tag, std::span<const std::byte> bytes) override {
    Pieces& pieces = open_[next_];
    for_each_piece(bytes, [&](const std::byte* data, int count) {
      check(MPI_Isend(data, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, &pieces.emplace_back()),
            "MPI_Isend");
    });
    return next_++;
  }
  Request receive(int from, int tag, std::span<std::byte> bytes) override {
    Pieces& pieces = open_[next_];
    for_each_piece(bytes, [&](std::byte* data, int count) {
      check(MPI_Irecv(data, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, &pieces.emplace_back()),
            "MPI_Irecv");
    });
    return next_++;
  }
  bool done(Request request) override {
    const auto found = open_.find(request);
    Pieces& pieces = found->second;
    int ended = 0;
    check(MPI_Testall(static_cast<int>(pieces.size()), pieces.data(), &ended, MPI_STATUSES_IGNORE),
          "MPI_Testall");
    if (ended == 0) return false;
    open_.erase(found);
    return true;
  }
  void cancel_all() noexcept override {
    for (auto& [request, pieces] : open_) {
      for (MPI_Request& piece : pieces) {
        if (piece != MPI_REQUEST_NULL) MPI_Cancel(&piece);
      }
    }
    open_.clear();
  }

  void leave() override { check(MPI_Finalize(), "MPI_Finalize"); }
  void end_job() noexcept override { MPI_Abort(MPI_COMM_WORLD, 1); }

 private:
  using Pieces = std::vector<MPI_Request>;

  // MPI counts in int.
  template <class Bytes, class Call>
  static void for_each_piece(Bytes bytes, Call call) {
    constexpr std::size_t most = std::size_t{1} << 30;
    for (std::size_t first = 0; first < bytes.size(); first += most) {
      call(bytes.data() + first, static_cast<int>(std::min(most, bytes.size() - first)));
    }
  }

  int process_ = 0;
  int processes_ = 1;
  int local_processes_ = 1;
  Request next_ = 0;
  std::unordered_map<Request, Pieces> open_;
};

}  // namespace
}  // namespace headrace

HEADRACE_PLUGIN_EXPORT int headrace_mpi_get_version() { return headrace_mpi_version; }

HEADRACE_PLUGIN_EXPORT headrace::Link* headrace_mpi_open() {
  return std::make_unique<headrace::MpiLink>().release();
}
