#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headrace/cli/interrupt.h"
#include "headrace/cli/run_record.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {

// Accelerators that only sleep, as MLCommons' storage benchmark has them: how many does one machine
// keep busy?
//
// Each takes a batch of its own, sleeps for as long as computing on it would take, and then waits
// for the others, as for gradients to be added up. Utilisation is the time that they compute,
// steps * seconds, by all time from the first step's batches on: loading those does not count, as
// in that benchmark's accelerator utilisation (AU).
struct Emulation {
  double seconds = 0;      // that a batch takes to compute
  double busy = 0.9;       // the utilisation that is wanted
  double run_seconds = 8;  // how long each try lasts at least; also at least three steps
  int most = 1024;         // accelerators
};

struct EmulationTry {
  int accelerators = 0;
  double utilisation = 0;
  std::int64_t steps = 0;
  double seconds = 0;            // of all, the first batches included
  double images_per_second = 0;  // over these
  std::size_t slot_bytes = 0;
  LoaderStats stats;
};

// The options of a loader for so many accelerators: a lease and `prefetch` batches for each,
// without end. Throws Error{invalid_argument} if this machine has no memory for them.
LoaderOptions emulated_loader(LoaderOptions options, int accelerators, const Sequence& images);

// Runs so many accelerators against a loader, which must allow as many leases and never end.
// Throws what loading throws; Error{cancelled} when interrupted.
EmulationTry try_accelerators(Loader& loader, int accelerators, const Emulation& emulation,
                              Interrupt& interrupt);

struct EmulationResult {
  int accelerators = 0;             // the most that are kept busy; 0: not one
  std::vector<EmulationTry> tries;  // by number of accelerators
  // Why more were not tried, if that was not that fewer were not kept busy.
  std::string limit;
};

// Finds the most accelerators that are kept busy: doubles their number until they are not, then
// halves the interval. `attempt` runs one try, or throws Error{invalid_argument} if there is no
// memory for so many.
EmulationResult find_most_accelerators(const Emulation& emulation,
                                       const std::function<EmulationTry(int)>& attempt);

Json to_json(const EmulationResult& result, const Emulation& emulation);
// A table, and the answer in words.
std::string to_text(const EmulationResult& result, const Emulation& emulation);

}  // namespace headrace::cli
