#include "headrace/cli/emulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "headrace/cli/byte_size.h"
#include "headrace/cli/loader_view.h"
#include "headrace/cli/progress.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t least_steps = 3;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// The accelerators of one try. They go through the steps together, and give up together.
class Accelerators {
 public:
  Accelerators(Loader& loader, int count, const Emulation& emulation)
      : loader_(loader),
        count_(count),
        compute_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(emulation.seconds))),
        least_seconds_(emulation.run_seconds) {}

  EmulationTry run() {
    start_ = Clock::now();
    std::vector<std::thread> threads;
    try {
      for (int i = 0; i < count_; ++i) threads.emplace_back([this] { work(); });
    } catch (...) {  // no more threads to be had
      give_up(std::current_exception());
      loader_.cancel();
    }
    for (std::thread& thread : threads) thread.join();
    if (error_) std::rethrow_exception(error_);
    return result();
  }

  void give_up(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    over_ = true;
    wake_.notify_all();
  }

 private:
  void work() {
    try {
      while (step()) {
      }
    } catch (...) {
      give_up(std::current_exception());
    }
  }

  bool step() {
    compute();  // gives its batch back: the next step takes as many again
    std::unique_lock lock(mutex_);
    wait_for_others(lock);
    return !over_;
  }

  void compute() {
    const Batch batch = take();
    const Clock::time_point loaded = Clock::now();
    std::unique_lock lock(mutex_);
    if (steps_ == 0) first_loaded_ = std::max(first_loaded_, loaded);
    images_ += batch.valid_rows();
    wake_.wait_until(lock, loaded + compute_, [this] { return over_; });
  }

  // A loader has one consumer at a time.
  Batch take() {
    const std::lock_guard lock(loader_mutex_);
    std::optional<Batch> batch;
    while (!batch) batch = loader_.next();  // nothing at the end of an epoch
    return std::move(*batch);
  }

  // The last to come begins the next step, or ends the run.
  void wait_for_others(std::unique_lock<std::mutex>& lock) {
    if (++arrived_ == count_) {
      arrived_ = 0;
      ++steps_;
      end_ = Clock::now();
      if (steps_ >= least_steps && seconds_between(first_loaded_, end_) >= least_seconds_)
        over_ = true;
      wake_.notify_all();
      return;
    }
    const std::int64_t step = steps_;
    wake_.wait(lock, [&] { return over_ || steps_ != step; });
  }

  EmulationTry result() const {
    EmulationTry made;
    made.accelerators = count_;
    made.steps = steps_;
    made.seconds = seconds_between(start_, end_);
    made.utilisation = static_cast<double>(steps_) *
                       std::chrono::duration<double>(compute_).count() /
                       seconds_between(first_loaded_, end_);
    made.images_per_second = static_cast<double>(images_) / made.seconds;
    made.slot_bytes = loader_.memory_bytes();
    made.stats = loader_.stats();
    return made;
  }

  Loader& loader_;
  const int count_;
  const Clock::duration compute_;
  const double least_seconds_;

  std::mutex loader_mutex_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  int arrived_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t images_ = 0;
  bool over_ = false;
  std::exception_ptr error_;
  Clock::time_point start_;
  Clock::time_point first_loaded_;  // when all had the batches of the first step
  Clock::time_point end_;
};

// Memory that programs can still get; 0 if it cannot be told.
std::size_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view name = "MemAvailable:";
    if (line.rfind(name, 0) == 0)
      return std::strtoull(line.c_str() + name.size(), nullptr, 10) * 1024;
  }
  return 0;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace

LoaderOptions emulated_loader(LoaderOptions options, int accelerators, const Sequence& images) {
  options.drop_last = true;
  options.epochs.reset();
  options.leases = accelerators;
  options.prefetch *= accelerators;
  const std::size_t needed =
      SlotPool::bytes_needed(images.spec(), options.batch_size, options.leases + options.prefetch);
  const std::size_t available = available_memory();
  if (available > 0 && needed > available) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("their batches need {}, and this machine has {} left: give a smaller "
                            "--prefetch or --batch-size, or --type u8",
                            byte_size_text(static_cast<double>(needed)),
                            byte_size_text(static_cast<double>(available))));
  }
  return options;
}

EmulationTry try_accelerators(Loader& loader, int accelerators, const Emulation& emulation,
                              Interrupt& interrupt) {
  Accelerators all(loader, accelerators, emulation);
  const Interrupt::Action stop(interrupt, [&] {
    all.give_up(std::make_exception_ptr(Error(ErrorCode::cancelled, "stopped")));
    loader.cancel();
  });
  return all.run();
}

EmulationResult find_most_accelerators(const Emulation& emulation,
                                       const std::function<EmulationTry(int)>& attempt) {
  EmulationResult result;
  std::map<int, EmulationTry> tries;
  const auto busy = [&](int accelerators) {
    const EmulationTry& made = tries[accelerators] = attempt(accelerators);
    return made.utilisation >= emulation.busy;
  };
  int enough = 0;  // so many are kept busy
  int too_many = emulation.most + 1;
  for (int next = 1; enough + 1 < too_many;) {
    try {
      (busy(next) ? enough : too_many) = next;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument || next == 1) throw;
      result.limit = fmt::format("{} accelerators: {}", next, error.what());
      too_many = next;
    }
    const bool bounded = too_many <= emulation.most;
    next = bounded ? enough + (too_many - enough) / 2 : std::min(2 * enough, emulation.most);
  }
  if (too_many > emulation.most)
    result.limit = fmt::format("no more than {} were tried (--emulate-most)", emulation.most);
  const bool failed_next = tries.count(enough + 1) > 0;
  if (failed_next) result.limit.clear();
  result.accelerators = enough;
  for (auto& [count, made] : tries) result.tries.push_back(std::move(made));
  return result;
}

Json to_json(const EmulationResult& result, const Emulation& emulation) {
  Json tries = Json::array();
  for (const EmulationTry& made : result.tries) {
    tries.push_back({{"accelerators", made.accelerators},
                     {"utilisation", made.utilisation},
                     {"steps", made.steps},
                     {"seconds", made.seconds},
                     {"images_per_second", made.images_per_second},
                     {"slot_bytes", made.slot_bytes}});
  }
  Json json = {{"accelerators", result.accelerators},
               {"utilisation_wanted", emulation.busy},
               {"seconds_per_batch", emulation.seconds},
               {"run_seconds", emulation.run_seconds},
               {"tries", std::move(tries)}};
  if (!result.limit.empty()) json["limit"] = result.limit;
  return json;
}

std::string to_text(const EmulationResult& result, const Emulation& emulation) {
  std::string text = "accelerators  utilisation   images/s   steps  memory of batches\n";
  for (const EmulationTry& made : result.tries) {
    text +=
        fmt::format("{:>12}  {:>11}  {:>9}  {:>6}  {:>17}\n", made.accelerators,
                    percent(made.utilisation), with_commas(std::llround(made.images_per_second)),
                    made.steps, byte_size_text(static_cast<double>(made.slot_bytes)));
  }
  if (result.accelerators == 0) {
    text += fmt::format("Not one accelerator is kept {:.0f} % busy.", 100 * emulation.busy);
  } else {
    text += fmt::format("{} accelerator{} kept {:.0f} % busy.", result.accelerators,
                        result.accelerators == 1 ? " is" : "s are", 100 * emulation.busy);
  }
  if (!result.limit.empty()) text += " Why not more: " + result.limit + ".";
  const auto first_idle = std::find_if(
      result.tries.begin(), result.tries.end(),
      [&](const EmulationTry& made) { return made.accelerators > result.accelerators; });
  if (first_idle != result.tries.end())
    text += fmt::format(" With {}: {}", first_idle->accelerators, loader_limit(first_idle->stats));
  return text + "\n";
}

}  // namespace headrace::cli
