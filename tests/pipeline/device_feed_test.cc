#include "headrace/pipeline/device_feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "../support/error_matcher.h"
#include "../support/fake_device.h"
#include "fake_sequence.h"
#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using fake::CountingSequence;
using fake::FakeDevice;
using fake::sample_value;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Has batches delivered to memory of its own on the device, as a trainer does, and then to the
// host.
class Consumer {
 public:
  explicit Consumer(std::shared_ptr<Device> device, std::size_t bytes = 4096)
      : device_(std::move(device)),
        memory_(make_memory(device_, bytes)),
        stream_(make_stream(device_)),
        done_(make_event(device_)) {}

  template <class T>
  std::vector<T> take(const Batch& batch, std::size_t field, DeviceTarget target = {}) {
    give(batch, field, target);
    return values<T>(batch.device()->bytes(field, target));
  }
  void give(const Batch& batch, std::size_t field, DeviceTarget target = {}) {
    target.data = memory_.get();
    target.bytes = batch.device()->bytes(field, target);
    batch.device()->deliver(field, target, stream_.get());
  }
  template <class T>
  std::vector<T> values(std::size_t bytes) {
    on_host_.resize(bytes);
    device_->copy_to_host(on_host_.data(), memory_.get(), bytes, stream_.get());
    device_->record(done_.get(), stream_.get());
    wait_on_host(*device_, done_.get(), nullptr);
    std::vector<T> values(bytes / sizeof(T));
    std::memcpy(values.data(), on_host_.data(), bytes);
    return values;
  }
  Device::Stream stream() const { return stream_.get(); }

 private:
  std::shared_ptr<Device> device_;
  std::vector<std::byte> on_host_;
  DeviceMemory memory_;
  DeviceStream stream_;  // goes first, after what it was given
  DeviceEvent done_;
};

std::function<void()> sometimes_slow() {
  auto count = std::make_shared<std::atomic<unsigned>>(0);
  return [count] {
    if ((*count)++ % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
  };
}

LoaderOptions options_for(std::shared_ptr<Device> device) {
  LoaderOptions options;
  options.batch_size = 8;
  options.threads = 2;
  options.prefetch = 2;
  options.leases = 1;
  options.epochs = 3;
  options.device = std::move(device);
  return options;
}

std::vector<std::uint64_t> expected_values(std::uint64_t epoch, std::int64_t first,
                                           std::int64_t count) {
  std::vector<std::uint64_t> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(sample_value(1, epoch, first + i));
  return values;
}

// Drains a loader, and compares what comes off the device; returns the batches.
int drain(Loader& loader, Consumer& consumer) {
  int batches = 0;
  for (std::uint64_t epoch = 0; epoch < 3;) {
    const auto batch = loader.next();
    if (!batch) {
      ++epoch;
      continue;
    }
    ++batches;
    EXPECT_EQ(batch->begin().epoch, epoch);
    EXPECT_EQ(consumer.take<std::uint64_t>(*batch, 0),
              expected_values(epoch, batch->begin().sample, batch->size()));
  }
  return batches;
}

TEST(DeviceFeed, BringsEveryBatchInOrderWhateverIsSlow) {
  const auto device = std::make_shared<FakeDevice>();
  device->before_work = sometimes_slow();
  Loader loader(std::make_shared<CountingSequence>(29), options_for(device));
  Consumer consumer(device);
  EXPECT_EQ(drain(loader, consumer), 12);
  EXPECT_FALSE(loader.next().has_value());
  EXPECT_THAT(device->misuses(), IsEmpty());
}

// A trainer that is ahead of its GPU gives a batch back long before its work on it begins.
TEST(DeviceFeed, KeepsABatchUntilTheWorkGivenOnItIsDone) {
  const auto device = std::make_shared<FakeDevice>();
  device->before_work = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  LoaderOptions options = options_for(device);
  options.device_ahead = 1;
  Loader loader(std::make_shared<CountingSequence>(64), options);
  std::vector<std::unique_ptr<Consumer>> consumers;
  std::vector<Position> begins;
  for (int i = 0; i < 8; ++i) {
    const auto batch = loader.next();
    consumers.push_back(std::make_unique<Consumer>(device));
    consumers.back()->give(*batch, 0);
    begins.push_back(batch->begin());
  }
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    EXPECT_EQ(consumers[i]->values<std::uint64_t>(8 * sizeof(std::uint64_t)),
              expected_values(begins[i].epoch, begins[i].sample, 8));
  }
  EXPECT_THAT(device->misuses(), IsEmpty());
}

TEST(DeviceFeed, BatchesOutliveTheirLoader) {
  const auto device = std::make_shared<FakeDevice>();
  device->before_work = sometimes_slow();
  Consumer consumer(device);
  std::optional<Batch> batch;
  {
    Loader loader(std::make_shared<CountingSequence>(29), options_for(device));
    batch = loader.next();
  }
  EXPECT_EQ(consumer.take<std::uint64_t>(*batch, 0), expected_values(0, 0, 8));
  batch.reset();
  EXPECT_THAT(device->misuses(), IsEmpty());
}

TEST(DeviceFeed, GivesAllMemoryBack) {
  const auto device = std::make_shared<FakeDevice>();
  device->before_work = sometimes_slow();
  for (int i = 0; i < 10; ++i) {
    Loader loader(std::make_shared<CountingSequence>(29), options_for(device));
    for (int taken = 0; taken < i; ++taken) loader.next();
  }
  EXPECT_EQ(device->bytes(), 0u);
  EXPECT_THAT(device->misuses(), IsEmpty());
}

TEST(DeviceFeed, StatesAndRestoresWhatWasHandedOut) {
  const auto device = std::make_shared<FakeDevice>();
  device->before_work = sometimes_slow();
  Loader loader(std::make_shared<CountingSequence>(29), options_for(device));
  Consumer consumer(device);
  loader.next();
  const StreamState after_one = loader.state();
  EXPECT_EQ(after_one.position, (Position{0, 8}));
  for (int i = 0; i < 3; ++i) loader.next();
  EXPECT_EQ(loader.state().position, (Position{0, 29}));
  EXPECT_FALSE(loader.next().has_value());
  EXPECT_EQ(loader.state().position, (Position{1, 0}));
  loader.restore(after_one);
  EXPECT_EQ(loader.state().position, (Position{0, 8}));
  EXPECT_EQ(consumer.take<std::uint64_t>(*loader.next(), 0), expected_values(0, 8, 8));
  EXPECT_THAT(device->misuses(), IsEmpty());
}

TEST(DeviceFeed, RethrowsAnErrorAtItsPlaceAndGoesOn) {
  const auto device = std::make_shared<FakeDevice>();
  const auto sequence = std::make_shared<CountingSequence>(29);
  sequence->before_sample = [](std::uint64_t epoch, std::int64_t position) {
    if (epoch == 0 && position == 10) throw Error(ErrorCode::corrupt_data, "sample 10");
  };
  Loader loader(sequence, options_for(device));
  Consumer consumer(device);
  EXPECT_EQ(loader.next()->begin(), (Position{0, 0}));
  EXPECT_THAT([&] { loader.next(); },
              throws_error(ErrorCode::corrupt_data, HasSubstr("sample 10")));
  const auto batch = loader.next();
  EXPECT_EQ(consumer.take<std::uint64_t>(*batch, 0), expected_values(0, 16, 8));
}

TEST(DeviceFeed, RefusesMoreThanItsLeases) {
  const auto device = std::make_shared<FakeDevice>();
  Loader loader(std::make_shared<CountingSequence>(64), options_for(device));
  std::optional<Batch> held = loader.next();
  EXPECT_THAT([&] { loader.next(); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("holds 1 batches")));
  held.reset();
  EXPECT_TRUE(loader.next().has_value());
}

TEST(DeviceFeed, IsCancelledWhileABatchIsMissing) {
  const auto device = std::make_shared<FakeDevice>();
  const auto sequence = std::make_shared<CountingSequence>(64);
  std::atomic<bool> blocked{true};
  sequence->before_sample = [&](std::uint64_t, std::int64_t) {
    while (blocked) std::this_thread::sleep_for(std::chrono::microseconds(100));
  };
  Loader loader(sequence, options_for(device));
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    loader.cancel();
  });
  EXPECT_THAT([&] { loader.next(); }, throws_error(ErrorCode::cancelled, HasSubstr("cancelled")));
  EXPECT_THAT([&] { loader.next(); }, throws_error(ErrorCode::cancelled, HasSubstr("cancelled")));
  canceller.join();
  blocked = false;
}

TEST(DeviceFeed, DoesWithoutPinnedMemoryAndSaysSo) {
  const auto device = std::make_shared<FakeDevice>();
  LoaderOptions options = options_for(device);
  {
    Loader loader(std::make_shared<CountingSequence>(29), options);
    EXPECT_THAT(loader.device_report(), HasSubstr("of pinned memory"));
  }
  options.pinned_bytes = 100;
  {
    Loader loader(std::make_shared<CountingSequence>(29), options);
    EXPECT_THAT(loader.device_report(), HasSubstr("are not pinned, since 0.0 MB may be"));
  }
  options.pinned_bytes = std::size_t{1} << 30;
  device->has_pinned_memory = false;
  Loader loader(std::make_shared<CountingSequence>(29), options);
  EXPECT_THAT(loader.device_report(), HasSubstr("since the system gives no such memory"));
  Consumer consumer(device);
  EXPECT_EQ(drain(loader, consumer), 12);
}

// Whatever call fails: an error, and no hang, no memory that is lost or touched too late.
TEST(DeviceFeed, AnyCallMayFail) {
  const auto run = [](FakeDevice& device, const std::shared_ptr<FakeDevice>& shared) {
    device.before_work = sometimes_slow();
    LoaderOptions options = options_for(shared);
    options.epochs = 1;
    Loader loader(std::make_shared<CountingSequence>(29), options);
    Consumer consumer(shared);
    while (const auto batch = loader.next()) {
      EXPECT_EQ(consumer.take<std::uint64_t>(*batch, 0),
                expected_values(0, batch->begin().sample, batch->size()));
    }
  };
  const auto sound = std::make_shared<FakeDevice>();
  run(*sound, sound);
  ASSERT_GT(sound->calls(), 50);
  for (std::int64_t call = 0; call < sound->calls(); ++call) {
    const auto device = std::make_shared<FakeDevice>();
    device->fail_at_call = call;
    try {
      run(*device, device);  // where only asking was to fail there may be fewer calls
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::backend) << error.what();
    }
    EXPECT_EQ(device->bytes(), 0u) << "call " << call;
    EXPECT_THAT(device->misuses(), IsEmpty()) << "call " << call;
  }
}

// A sequence of pictures that a device is to finish.
class Pictures final : public CountingSequence, public DeviceSource {
 public:
  Pictures() : CountingSequence(20) {
    wire_.fields = {{"image", ElementType::u8, {2, 3}}, {"label", ElementType::i32, {}}};
    stage_.work = DeviceWork::finish;
    stage_.output = {"", ElementType::f32, {1, 2, 3}};
    stage_.shape = {1, 2, 3};
    stage_.scales = {0.5f, 0.25f, 2.0f};
    stage_.offsets = {1, 2, 3};
    stage_.text = "made of levels";
  }
  const BatchSpec& spec() const override { return wire_; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      for (int i = 0; i < 6; ++i) {
        rows.row_as<std::uint8_t>(0, row)[i] = static_cast<std::uint8_t>(first + row + i);
      }
      *rows.row_as<std::int32_t>(1, row) = static_cast<std::int32_t>(first + row);
    }
  }
  const DeviceSource* device_source() const override { return this; }
  const DeviceStage* stage(std::size_t index) const override {
    return index == 0 ? &stage_ : nullptr;
  }

 private:
  BatchSpec wire_;
  DeviceStage stage_;
};

void finish_in_f32(const DeviceRender& render) {
  auto* out = reinterpret_cast<float*>(render.target.data);
  for (std::int64_t row = 0; row < render.count; ++row) {
    const std::byte* in = render.rows + static_cast<std::size_t>(row) * render.row_bytes;
    for (std::size_t i = 0; i < render.row_bytes; ++i) {
      *out++ = static_cast<float>(std::to_integer<int>(in[i])) * render.scales[i % 3] +
               render.offsets[i % 3];
    }
  }
}

TEST(DeviceFeed, HasFieldsMadeByTheDevice) {
  const auto device = std::make_shared<FakeDevice>();
  device->make_rows = finish_in_f32;
  Loader loader(std::make_shared<Pictures>(), options_for(device));
  EXPECT_EQ(loader.spec().fields[0], (FieldSpec{"image", ElementType::f32, {1, 2, 3}}));
  EXPECT_THAT(loader.device_report(), HasSubstr("image: made of levels"));
  Consumer consumer(device);
  loader.next();
  const auto batch = loader.next();
  EXPECT_EQ(batch->spec(), loader.spec());
  const std::vector<float> values = consumer.take<float>(*batch, 0);
  ASSERT_EQ(values.size(), 8u * 6);
  EXPECT_EQ(values[0], 8 * 0.5f + 1);
  EXPECT_EQ(values[7], 10 * 0.25f + 2);
  EXPECT_EQ(consumer.take<float>(*batch, 0, {.first = 7})[5], 20 * 2.0f + 3);
  EXPECT_EQ(batch->field("label").as<std::int32_t>()[3], 11);
  EXPECT_THAT([&] { static_cast<void>(batch->field("image")); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("lies on a GPU alone")));
}

TEST(DeviceFeed, RefusesToDeliverWhatDoesNotFit) {
  const auto device = std::make_shared<FakeDevice>();
  device->make_rows = finish_in_f32;
  Loader loader(std::make_shared<Pictures>(), options_for(device));
  Consumer consumer(device);
  const auto batch = loader.next();
  const auto deliver = [&](std::size_t field, const DeviceTarget& to) {
    return [&, field, to] { batch->device()->deliver(field, to, consumer.stream()); };
  };
  EXPECT_THAT(deliver(0, {.bytes = 3}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("takes 192 bytes, not the 3")));
  EXPECT_THAT(deliver(0, {.first = 3, .rows = 6}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("rows 3 to 9")));
  EXPECT_THAT(deliver(0, {.channel_pitch = 2}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("2 channels a pixel")));
  EXPECT_THAT(deliver(1, {.type = ElementType::bf16}),
              throws_error(ErrorCode::invalid_argument, HasSubstr("cannot be delivered as bf16")));
  EXPECT_EQ(batch->device()->bytes(0, {.type = ElementType::bf16, .channel_pitch = 4}),
            8u * 2 * 4 * 2);
}

}  // namespace
}  // namespace headrace
