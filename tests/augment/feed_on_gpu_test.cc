// On a GPU; skipped where there is none.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "headrace/augment/device_augmenter.h"
#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "noise_dataset.h"

namespace headrace {
namespace {

using testing::NoiseDataset;

class FeedOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      device_ = open_gpu();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      GTEST_SKIP() << error.what();
    }
  }

  std::vector<std::byte> delivered(const Batch& batch, DeviceTarget target, Device::Stream stream) {
    target.bytes = batch.device()->bytes(0, target);
    const DeviceMemory memory = make_memory(device_, target.bytes);
    target.data = memory.get();
    batch.device()->deliver(0, target, stream);
    std::vector<std::byte> values(target.bytes);
    device_->copy_to_host(values.data(), target.data, target.bytes, stream);
    const DeviceEvent done = make_event(device_);
    device_->record(done.get(), stream);
    wait_on_host(*device_, done.get(), nullptr);
    return values;
  }

  // Two epochs on the GPU are those of the host, byte by byte.
  void expect_same_batches(const NoiseDataset& dataset, const Recipe& recipe, bool resident) {
    const auto shared = std::make_shared<NoiseDataset>(dataset);
    const auto sequence_of = [&](std::shared_ptr<const Augmenter> augmenter) {
      return std::make_shared<ImageSequence>(shared, nullptr, std::move(augmenter),
                                             ImageSequenceOptions{.seed = 4});
    };
    LoaderOptions options;
    options.batch_size = 24;
    options.epochs = 2;
    Loader host(sequence_of(recipe.make_augmenter()), options);
    options.device = device_;
    Loader loader(sequence_of(make_device_augmenter(recipe, dataset.info().fields[0], resident)),
                  options);
    const DeviceStream stream = make_stream(device_);
    for (int epoch = 0; epoch < 2;) {
      const auto expected = host.next();
      const auto batch = loader.next();
      ASSERT_EQ(expected.has_value(), batch.has_value());
      if (!batch) {
        ++epoch;
        continue;
      }
      const FieldView image = expected->field(0);
      const std::size_t bytes = static_cast<std::size_t>(image.rows) * image.spec->row_bytes();
      ASSERT_EQ(delivered(*batch, {}, stream.get()),
                std::vector<std::byte>(image.data, image.data + bytes))
          << recipe.to_json() << (resident ? ", resident" : "");
    }
  }

  std::shared_ptr<Device> device_;
};

TEST_F(FeedOnGpu, PixelsAreThoseOfTheHostForEveryFilterAndFilling) {
  for (const char* filter : {"nearest", "linear", "antialias", "box"}) {
    for (const char* fill : {"nearest", "constant", "reflect", "wrap"}) {
      for (const ImageShape source : {ImageShape{32, 32, 3}, ImageShape{50, 41, 3}}) {
        Recipe recipe({32, 32, 3});
        recipe.set("width_shift", 0.2).set("height_shift", 0.1).set("horizontal_flip", true);
        recipe.set("resize", std::string(filter)).set("fill_mode", std::string(fill));
        recipe.set("fill_value", 77.0).set("rescale", 1 / 255.0);
        expect_same_batches(NoiseDataset(source, 60), recipe, false);
        expect_same_batches(NoiseDataset(source, 60), recipe, true);
      }
    }
  }
}

TEST_F(FeedOnGpu, PixelsAreThoseOfTheHostForEveryTypeLayoutAndMean) {
  for (const ElementType type :
       {ElementType::f32, ElementType::f16, ElementType::bf16, ElementType::u8}) {
    for (const char* layout : {"nhwc", "nchw"}) {
      for (const bool has_mean : {false, true}) {
        if (has_mean && type == ElementType::u8) continue;
        Recipe recipe({30, 28, 3}, type);
        recipe.set("horizontal_flip", true).set("layout", std::string(layout));
        if (has_mean) {
          recipe.set("mean", std::string("pixel"));
          std::vector<float> mean(recipe.output().elements());
          for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] = 0.1f * static_cast<float>(i % 900);
          recipe.set_mean(mean);
        }
        expect_same_batches(NoiseDataset({30, 28, 3}, 50), recipe, false);
        // Far larger images: levels cross, made on the host.
        expect_same_batches(NoiseDataset({90, 100, 3}, 50), recipe, false);
      }
    }
  }
}

TEST_F(FeedOnGpu, ResidentCropsAreThoseOfTheHost) {
  Recipe recipe({32, 32, 3}, ElementType::bf16);
  recipe.set("random_resized_crop", std::vector<double>{0.1, 1}).set("horizontal_flip", true);
  recipe.set("channel_mean", std::vector<double>{123.7, 116.3, 103.5});
  recipe.set("channel_std", std::vector<double>{58.4, 57.1, 57.4});
  expect_same_batches(NoiseDataset({64, 48, 3}, 100), recipe, true);
}

TEST_F(FeedOnGpu, DeliversPaddedBf16) {
  Recipe recipe({8, 8, 3});
  recipe.set("rescale", 1 / 255.0);
  const auto dataset = std::make_shared<NoiseDataset>(ImageShape{8, 8, 3}, 16);
  LoaderOptions options;
  options.batch_size = 16;
  options.device = device_;
  Loader loader(std::make_shared<ImageSequence>(
                    dataset, nullptr, make_device_augmenter(recipe, dataset->info().fields[0])),
                options);
  const DeviceStream stream = make_stream(device_);
  const auto batch = loader.next();
  const auto values =
      delivered(*batch, {.type = ElementType::bf16, .channel_pitch = 8}, stream.get());
  const auto plain = delivered(*batch, {.type = ElementType::bf16}, stream.get());
  for (std::size_t pixel = 0; pixel < 16 * 64; ++pixel) {
    ASSERT_EQ(std::memcmp(&values[pixel * 16], &plain[pixel * 6], 6), 0);
    for (std::size_t i = 6; i < 16; ++i) ASSERT_EQ(values[pixel * 16 + i], std::byte{0});
  }
}

TEST_F(FeedOnGpu, PinsItsSlots) {
  const auto dataset = std::make_shared<NoiseDataset>(ImageShape{8, 8, 3}, 16);
  LoaderOptions options;
  options.batch_size = 4;
  options.device = device_;
  const Loader loader(
      std::make_shared<ImageSequence>(
          dataset, nullptr, make_device_augmenter(Recipe({8, 8, 3}), dataset->info().fields[0])),
      options);
  EXPECT_NE(loader.device_report().find("of pinned memory"), std::string::npos)
      << loader.device_report();
}

}  // namespace
}  // namespace headrace
