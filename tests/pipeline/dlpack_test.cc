#include "headrace/pipeline/dlpack.h"

#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "../support/error_matcher.h"
#include "../support/fake_device.h"
#include "fake_sequence.h"
#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using fake::CountingSequence;
using fake::sample_value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A consumer's end of the exchange.
struct Release {
  void operator()(DLManagedTensor* tensor) const { tensor->deleter(tensor); }
};
using Taken = std::unique_ptr<DLManagedTensor, Release>;

std::vector<std::int64_t> shape_of(const DLTensor& tensor) {
  return {tensor.shape, tensor.shape + tensor.ndim};
}

LoaderOptions one_lease() {
  LoaderOptions options;
  options.batch_size = 8;
  options.threads = 1;
  options.leases = 1;
  return options;
}

std::shared_ptr<const Batch> share(std::optional<Batch> batch) {
  return std::make_shared<const Batch>(std::move(*batch));
}

TEST(Dlpack, ATensorOfTheHostIsTheBatchsOwnMemoryAndKeepsIt) {
  Loader loader(std::make_shared<CountingSequence>(29), one_lease());
  auto batch = share(loader.next());
  const std::byte* const data = batch->field(1).data;
  Taken tensor(to_dlpack(std::move(batch), 1));
  const DLTensor& seen = tensor->dl_tensor;
  EXPECT_EQ(seen.data, data);
  EXPECT_EQ(seen.device.device_type, kDLCPU);
  EXPECT_EQ(seen.dtype.code, kDLInt);
  EXPECT_EQ(seen.dtype.bits, 32);
  EXPECT_THAT(shape_of(seen), ElementsAre(8, 2));
  EXPECT_EQ(seen.strides, nullptr);
  EXPECT_EQ(static_cast<const std::int32_t*>(seen.data)[2 * 7 + 1], 7);
  EXPECT_THAT([&] { loader.next(); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("holds 1 batches")));
  tensor.reset();
  EXPECT_TRUE(loader.next().has_value());
}

TEST(Dlpack, ATensorOfAGpuIsWrittenOnTheConsumersStream) {
  const auto device = std::make_shared<fake::FakeDevice>();
  device->before_work = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  LoaderOptions options = one_lease();
  options.device = device;
  {
    Loader loader(std::make_shared<CountingSequence>(29), options);
    const DeviceStream stream = make_stream(device);
    const DeviceEvent done = make_event(device);
    Taken tensor(to_dlpack(share(loader.next()), 0, stream.get()));
    const DLTensor& seen = tensor->dl_tensor;
    EXPECT_EQ(seen.device.device_type, kDLCUDA);
    EXPECT_EQ(seen.device.device_id, 0);
    EXPECT_THAT(shape_of(seen), ElementsAre(8));
    std::vector<std::uint64_t> values(8);
    device->copy_to_host(reinterpret_cast<std::byte*>(values.data()),
                         static_cast<const std::byte*>(seen.data), 64, stream.get());
    device->record(done.get(), stream.get());
    wait_on_host(*device, done.get(), nullptr);
    EXPECT_EQ(values[7], sample_value(1, 0, 7));
  }
  EXPECT_EQ(device->bytes(), 0u);
  EXPECT_THAT(device->misuses(), IsEmpty());
}

TEST(Dlpack, RefusesWhatThereIsNot) {
  Loader loader(std::make_shared<CountingSequence>(29), one_lease());
  const auto batch = share(loader.next());
  EXPECT_THAT([&] { to_dlpack(batch, 2); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("has 2 fields")));
  EXPECT_THAT([&] { to_dlpack(batch, 0, nullptr); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("lies on the host")));
}

}  // namespace
}  // namespace headrace
