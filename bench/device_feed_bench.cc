// What a GPU's feed carries, beside what the bus does. Skipped where there is no GPU.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <vector>

#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

constexpr std::int64_t batch_size = 256;

// Rows that cost nothing to make: what is measured is the way to the device.
class FreeRows final : public Sequence {
 public:
  explicit FreeRows(std::int64_t row_bytes) {
    spec_.fields = {{"image", ElementType::u8, {row_bytes}}};
  }
  std::int64_t size() const override { return 1 << 20; }
  const BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override { return batch_size; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    std::memcpy(rows.row(0, 0), &first, sizeof first);
  }

 private:
  BatchSpec spec_;
};

std::shared_ptr<Device> gpu_or_skip(benchmark::State& state) {
  try {
    return open_gpu();
  } catch (const Error& error) {
    state.SkipWithError(error.what());
    return nullptr;
  }
}

void set_rate(benchmark::State& state, std::int64_t row_bytes) {
  state.SetBytesProcessed(state.iterations() * batch_size * row_bytes);
}

// The most there is: copies of pinned memory, one after the other, on one stream.
void bare_copies(benchmark::State& state) {
  const auto device = gpu_or_skip(state);
  if (device == nullptr) return;
  constexpr int ring = 4;
  const auto bytes = static_cast<std::size_t>(batch_size * state.range(0));
  const DeviceStream stream = make_stream(device);
  const DeviceEvent done = make_event(device);
  std::vector<DeviceMemory> places;
  for (int i = 0; i < ring; ++i) places.push_back(make_memory(device, bytes));
  std::byte* const pinned = device->allocate_pinned(ring * bytes);
  std::size_t at = 0;
  for (auto _ : state) {
    device->copy_to_device(places[at].get(), pinned + at * bytes, bytes, stream.get());
    at = (at + 1) % ring;
    if (at != 0) continue;
    device->record(done.get(), stream.get());
    wait_on_host(*device, done.get(), nullptr);
  }
  device->record(done.get(), stream.get());
  wait_on_host(*device, done.get(), nullptr);
  device->deallocate_pinned(pinned);
  set_rate(state, state.range(0));
}

// The same through a loader and its feed, delivered to a consumer's memory.
void feed(benchmark::State& state) {
  const auto device = gpu_or_skip(state);
  if (device == nullptr) return;
  const auto bytes = static_cast<std::size_t>(batch_size * state.range(0));
  LoaderOptions options;
  options.batch_size = batch_size;
  options.device = device;
  options.device_ahead = 4;
  const DeviceMemory input = make_memory(device, bytes);
  const DeviceStream stream = make_stream(device);
  const DeviceEvent done = make_event(device);
  Loader loader(std::make_shared<FreeRows>(state.range(0)), options);
  for (auto _ : state) {
    const auto batch = loader.next();
    if (batch) {
      batch->device()->deliver(0, {.data = input.get(), .bytes = bytes}, stream.get());
    }
  }
  device->record(done.get(), stream.get());
  wait_on_host(*device, done.get(), nullptr);
  set_rate(state, state.range(0));
  state.SetLabel(loader.device_report());
}

// Rows of 32 x 32 x 3 and 224 x 224 x 3 levels. The first epoch has 4,096 batches.
BENCHMARK(bare_copies)->Arg(3072)->Arg(150528)->UseRealTime();
BENCHMARK(feed)->Arg(3072)->Arg(150528)->UseRealTime();

}  // namespace
}  // namespace headrace
