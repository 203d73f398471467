#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "headrace/cli/bench_command.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/exchange_model.h"
#include "headrace/cli/launch_ranks.h"
#include "headrace/cli/launcher.h"
#include "headrace/cli/processes.h"
#include "headrace/cli/run_record.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/process_group.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace bench exchange --ranks 4\n"
    "  mpirun --hostfile hosts headrace bench exchange\n"
    "Adds up buffers of many sizes over all processes, and says what rate and latency that comes "
    "to.";

constexpr std::size_t kib = 1024;

struct Options {
  ProcessOptions processes;
  int largest_mib = 64;
  double seconds = 0.5;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--largest", options.largest_mib, "MiB of the largest buffer")
      ->type_name("MIB")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group("Measurement");
  command.add_option("--seconds", options.seconds, "For each size, about")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str()
      ->group("Measurement");
  options.processes.add_to(command, "a folder that is named if one fails");
  add_json(command, options.json);
}

class Exchanges {
 public:
  Exchanges(Communicator& communicator, std::chrono::milliseconds timeout)
      : communicator_(communicator), timeout_(timeout) {}

  // Seconds that one takes, the median of several.
  double measure(std::size_t bytes, double seconds) {
    std::vector<float> values(bytes / sizeof(float), 1.0f);
    double once = add_up(values);
    once = std::min(once, add_up(values));
    // As many on all ranks: the slowest one's wish.
    std::vector<float> times{static_cast<float>(seconds / once)};
    add_up(times);
    const double wish = times[0] / static_cast<float>(communicator_.world_size());
    std::vector<double> taken;
    for (int round = 0; round < std::clamp(static_cast<int>(wish), 5, 2000); ++round) {
      taken.push_back(add_up(values));
    }
    std::nth_element(taken.begin(), taken.begin() + static_cast<long>(taken.size() / 2),
                     taken.end());
    return taken[taken.size() / 2];
  }

 private:
  double add_up(std::vector<float>& values) {
    const auto begun = Communicator::Clock::now();
    communicator_.wait(communicator_.start(Collective::all_reduce_sum, values), timeout_);
    return std::chrono::duration<double>(Communicator::Clock::now() - begun).count();
  }

  Communicator& communicator_;
  std::chrono::milliseconds timeout_;
};

void print(const std::vector<ExchangeSample>& samples, const ExchangeModel& model,
           const ProcessGroup& group) {
  fmt::print("{}: {:.3g} GB/s, {:.3g} ms of latency\n", processes_text(group), model.rate / 1e9,
             1e3 * model.latency);
  fmt::print("{:>12} {:>12} {:>12} {:>8}\n", "KiB", "ms", "by model", "off");
  for (const ExchangeSample& sample : samples) {
    const double expected = model.seconds(sample.bytes);
    fmt::print("{:>12} {:>12.3f} {:>12.3f} {:>+7.0f}%\n", sample.bytes / kib, 1e3 * sample.seconds,
               1e3 * expected, 100 * (expected / sample.seconds - 1));
  }
}

int bench_exchange(const Options& options, ProcessGroup& group) {
  const auto communicator = std::move(group.make_communicators(1)[0]);
  Exchanges exchanges(*communicator, options.processes.timeout());
  std::vector<ExchangeSample> samples;
  const std::size_t largest = static_cast<std::size_t>(options.largest_mib) * kib * kib;
  for (std::size_t bytes = kib; bytes <= largest; bytes *= 4) {
    samples.push_back({bytes, exchanges.measure(bytes, options.seconds)});
  }
  if (group.process() > 0) return exit_done;
  const ExchangeModel model = fit_exchange(samples, group.size());
  if (!options.json) {
    print(samples, model, group);
    return exit_done;
  }
  Json result = {{"processes", group.size()},
                 {"bytes_per_second", model.rate},
                 {"latency_seconds", model.latency},
                 {"sizes", Json::array()}};
  for (const ExchangeSample& sample : samples) {
    result["sizes"].push_back({{"bytes", sample.bytes},
                               {"seconds", sample.seconds},
                               {"seconds_by_model", model.seconds(sample.bytes)}});
  }
  fmt::print("{}\n", result.dump());
  return exit_done;
}

int run(const Options& options) {
  if (const int ranks = ranks_to_launch(options.processes, {})) {
    return launch_benchmark(options.processes, ranks);
  }
  follow_launcher();
  const auto group = join_processes(options.processes);
  if (group == nullptr || group->size() == 1) {
    throw Error(ErrorCode::invalid_argument,
                "an exchange needs several processes: give --ranks, or start it by mpirun");
  }
  return run_together(*group, 1, [&] { return bench_exchange(options, *group); });
}

}  // namespace

Command make_bench_exchange_command(CLI::App& group) {
  Command command;
  command.name = "bench exchange";
  command.app =
      add_command(group, "exchange", "How fast processes add up gradients, by size", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return run(*options); };
  return command;
}

}  // namespace headrace::cli
