#include "headrace/augment/device_augmenter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "../support/error_matcher.h"
#include "../support/fake_device.h"
#include "headrace/augment/device_pixels.h"
#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "noise_dataset.h"
#include "pictures.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Noise;
using testing::whole;

DatasetField pixels_field(ImageShape shape, ElementType type = ElementType::u8) {
  return {"image", FieldKind::pixels, type, {shape.height, shape.width, shape.channels}};
}

const DatasetField files_field{"image", FieldKind::encoded_image, ElementType::u8, {}};

// What a device makes of a row that was sent to it, by the functions that its kernel is made of.
std::vector<std::byte> make_on_device(const DeviceStage& stage, const std::vector<std::byte>& row,
                                      const std::byte* resident, ElementType type, int pitch) {
  const std::size_t elements = static_cast<std::size_t>(stage.shape.height * stage.shape.width) *
                               static_cast<std::size_t>(pitch);
  std::vector<std::byte> output(elements * size_of(type), std::byte{0x55});
  DeviceRender render;
  render.stage = &stage;
  render.scales = stage.scales.data();
  render.offsets = stage.offsets.data();
  render.resident = resident;
  render.rows = row.data();
  render.row_bytes = row.size();
  render.count = 1;
  render.target = {
      .data = output.data(), .bytes = output.size(), .type = type, .channel_pitch = pitch};
  device_pixels::render_row(device_pixels::make_job(render), 0);
  return output;
}

std::vector<std::byte> make_row(const Augmenter& augmenter, const SamplePlan& plan,
                                const ImageView& pixels, std::int64_t record = 0) {
  std::vector<std::byte> row(augmenter.output().row_bytes());
  RenderScratch scratch;
  scratch.record = record;
  augmenter.render(plan, pixels, whole(pixels), row.data(), scratch);
  return row;
}

// Over random plans, the device's row is the host's.
void expect_same_pixels(const Recipe& recipe, ImageShape source, DeviceWork work) {
  const Noise noise(source, 7);
  const ImageView pixels = noise.view();
  const auto host = recipe.make_augmenter();
  const bool resident = work == DeviceWork::gather;
  const auto device = make_device_augmenter(
      recipe, work == DeviceWork::finish ? files_field : pixels_field(source), resident);
  const DeviceStage* stage = device->device_stage();
  ASSERT_NE(stage, nullptr);
  EXPECT_EQ(stage->work, work);
  EXPECT_EQ(device->fingerprint(), host->fingerprint());
  std::vector<std::byte> all(3 * source.elements());
  std::memcpy(all.data() + 2 * source.elements(), noise.levels.data(), source.elements());
  for (std::uint64_t sample = 0; sample < 12; ++sample) {
    const Rng rng = Rng(3, 0).for_sample(sample);
    const SamplePlan plan = device->plan(source.size(), rng);
    const auto expected = make_row(*host, host->plan(source.size(), rng), pixels);
    const auto result =
        make_on_device(*stage, make_row(*device, plan, pixels, 2), resident ? all.data() : nullptr,
                       recipe.type(), recipe.output().channels);
    ASSERT_EQ(result, expected) << recipe.to_json() << " sample " << sample;
  }
}

Recipe moving(ImageShape output, ElementType type = ElementType::f32) {
  Recipe recipe(output, type);
  recipe.set("width_shift", 0.3).set("height_shift", 0.2).set("horizontal_flip", true);
  return recipe;
}

TEST(DeviceAugmenter, GivesTheHostsPixelsForEveryFilterAndFilling) {
  for (const char* filter : {"nearest", "linear", "antialias", "box"}) {
    for (const char* fill : {"nearest", "constant", "reflect", "wrap"}) {
      Recipe recipe = moving({9, 13, 3}).set("vertical_flip", true);
      recipe.set("resize", std::string(filter)).set("fill_mode", std::string(fill));
      recipe.set("fill_value", 77.0).set("rescale", 1 / 255.0);
      expect_same_pixels(recipe, {9, 13, 3}, DeviceWork::render);
      expect_same_pixels(recipe, {17, 20, 3}, DeviceWork::render);
      expect_same_pixels(recipe, {5, 6, 3}, DeviceWork::render);
      expect_same_pixels(recipe, {17, 20, 3}, DeviceWork::gather);
      expect_same_pixels(recipe, {40, 50, 3}, DeviceWork::finish);
    }
  }
}

TEST(DeviceAugmenter, GivesTheHostsPixelsForEveryTypeLayoutAndMean) {
  for (const ElementType type : {ElementType::f32, ElementType::f16, ElementType::bf16}) {
    for (const char* layout : {"nhwc", "nchw"}) {
      for (const char* mean : {"none", "pixel", "channel"}) {
        for (const int channels : {1, 3, 4}) {
          Recipe recipe = moving({8, 10, channels}, type).set("layout", std::string(layout));
          recipe.set("rescale", 0.013).set("mean", std::string(mean));
          if (recipe.mean_kind() != MeanKind::none) {
            std::vector<float> values(recipe.mean_kind() == MeanKind::pixel
                                          ? recipe.output().elements()
                                          : static_cast<std::size_t>(channels));
            for (std::size_t i = 0; i < values.size(); ++i) {
              values[i] = 0.37f + 0.01f * static_cast<float>(i);
            }
            recipe.set_mean(values);
          }
          expect_same_pixels(recipe, {8, 10, channels}, DeviceWork::render);
          expect_same_pixels(recipe, {8, 10, channels}, DeviceWork::gather);
          expect_same_pixels(recipe, {30, 20, channels}, DeviceWork::finish);
        }
      }
    }
  }
}

TEST(DeviceAugmenter, GivesTheHostsPixelsWhereRandomCropsAreResized) {
  Recipe recipe({16, 16, 3}, ElementType::bf16);
  recipe.set("random_resized_crop", std::vector<double>{0.1, 1}).set("horizontal_flip", true);
  recipe.set("channel_mean", std::vector<double>{123.7, 116.3, 103.5});
  recipe.set("channel_std", std::vector<double>{58.4, 57.1, 57.4});
  expect_same_pixels(recipe, {32, 32, 3}, DeviceWork::render);
  expect_same_pixels(recipe, {32, 32, 3}, DeviceWork::gather);
  expect_same_pixels(recipe, {64, 48, 3}, DeviceWork::finish);
}

TEST(DeviceAugmenter, DeliversLevelsAsTheyAre) {
  expect_same_pixels(moving({8, 10, 3}, ElementType::u8), {8, 10, 3}, DeviceWork::render);
  Recipe planes = moving({8, 10, 3}, ElementType::u8).set("layout", std::string("nchw"));
  expect_same_pixels(planes, {30, 40, 3}, DeviceWork::finish);
}

TEST(DeviceAugmenter, SendsLevelsOfPlansThatTheDeviceDoesNotFollow) {
  Recipe recipe({4, 4, 1});
  recipe.set("resize", std::string("antialias"));  // 64 to 4 pixels: more taps than it has room for
  const Noise noise({64, 4, 1}, 3);
  const auto device = make_device_augmenter(recipe, pixels_field({4, 16, 1}));
  const SamplePlan plan = device->plan({64, 4}, Rng(0, 0));
  const auto row = make_row(*device, plan, noise.view());
  const auto result = make_on_device(*device->device_stage(), row, nullptr, ElementType::f32, 1);
  EXPECT_EQ(result, make_row(*recipe.make_augmenter(), plan, noise.view()));
  const auto resident = make_device_augmenter(recipe, pixels_field({64, 4, 1}), true);
  EXPECT_THAT([&] { make_row(*resident, plan, noise.view()); },
              throws_error(ErrorCode::unsupported, HasSubstr("leave --resident out")));
}

TEST(DeviceAugmenter, PadsChannelsAndConvertsForTheConsumer) {
  const Recipe recipe = moving({6, 5, 3}).set("rescale", 0.1);
  const Noise noise({6, 5, 3}, 5);
  const auto device = make_device_augmenter(recipe, pixels_field({6, 5, 3}));
  const SamplePlan plan = device->plan({6, 5}, Rng(1, 0));
  const auto values = make_row(*recipe.make_augmenter(), plan, noise.view());
  const auto padded = make_on_device(*device->device_stage(), make_row(*device, plan, noise.view()),
                                     nullptr, ElementType::bf16, 8);
  for (std::size_t pixel = 0; pixel < 30; ++pixel) {
    for (std::size_t c = 0; c < 8; ++c) {
      float value = 0;
      if (c < 3) std::memcpy(&value, values.data() + (pixel * 3 + c) * sizeof value, sizeof value);
      std::uint16_t result = 0;
      std::memcpy(&result, padded.data() + (pixel * 8 + c) * sizeof result, sizeof result);
      ASSERT_EQ(result, to_bf16(value)) << pixel << ", " << c;
    }
  }
}

// What a bad image is replaced by is zeros after normalising too.
TEST(DeviceAugmenter, MakesZerosOfABlankRow) {
  const Recipe recipe = moving({4, 4, 3}).set("channel_mean", std::vector<double>{9});
  const auto device = make_device_augmenter(recipe, files_field);
  const std::vector<std::byte> blank(device->output().row_bytes());
  const auto result = make_on_device(*device->device_stage(), blank, nullptr, ElementType::f32, 3);
  EXPECT_EQ(result, std::vector<std::byte>(result.size()));
}

TEST(DeviceAugmenter, SaysWhatIsDoneWhere) {
  const Recipe recipe = moving({32, 32, 3});
  const auto work_on = [&](const DatasetField& field) {
    const DeviceStage* stage = make_device_augmenter(recipe, field)->device_stage();
    return stage == nullptr ? DeviceWork::none : stage->work;
  };
  EXPECT_EQ(work_on(pixels_field({32, 32, 3})), DeviceWork::render);
  EXPECT_EQ(work_on(pixels_field({100, 100, 3})), DeviceWork::finish);
  EXPECT_EQ(work_on(files_field), DeviceWork::finish);
  EXPECT_EQ(work_on(pixels_field({32, 32, 3}, ElementType::f32)), DeviceWork::none);
  EXPECT_THAT(make_device_augmenter(recipe, files_field)->device_stage()->text,
              HasSubstr("3184 instead of 12288 bytes"));
  EXPECT_THAT([&] { make_device_augmenter(recipe, files_field, true); },
              throws_error(ErrorCode::unsupported, HasSubstr("cannot stay on the GPU: the data")));
}

void render_on_host(const DeviceRender& render) {
  const device_pixels::Job job = device_pixels::make_job(render);
  for (std::int64_t row = 0; row < render.count; ++row) device_pixels::render_row(job, row);
}

// All the way: two epochs through a loader with a device are those without.
TEST(DeviceAugmenter, LoadersWithADeviceDeliverTheSameSamples) {
  const auto dataset = std::make_shared<testing::NoiseDataset>(ImageShape{10, 12, 3}, 20);
  const Recipe recipe = moving({8, 8, 3}).set("rescale", 1 / 255.0);
  const auto sequence_of = [&](std::shared_ptr<const Augmenter> augmenter) {
    return std::make_shared<ImageSequence>(dataset, nullptr, std::move(augmenter),
                                           ImageSequenceOptions{.seed = 4});
  };
  LoaderOptions options;
  options.batch_size = 6;
  options.threads = 1;
  options.epochs = 2;
  for (const bool resident : {false, true}) {
    Loader host(sequence_of(recipe.make_augmenter()), options);
    const auto device = std::make_shared<fake::FakeDevice>();
    device->make_rows = render_on_host;
    LoaderOptions with_device = options;
    with_device.device = device;
    Loader loader(sequence_of(make_device_augmenter(recipe, dataset->info().fields[0], resident)),
                  with_device);
    EXPECT_EQ(loader.spec(), host.spec());
    EXPECT_EQ(loader.state().fingerprint, host.state().fingerprint);
    const DeviceStream stream = make_stream(device);
    const DeviceEvent done = make_event(device);
    const DeviceMemory memory = make_memory(device, 1 << 16);
    for (int epoch = 0; epoch < 2;) {
      const auto expected = host.next();
      const auto batch = loader.next();
      ASSERT_EQ(expected.has_value(), batch.has_value());
      if (!batch) {
        ++epoch;
        continue;
      }
      const std::size_t bytes = batch->device()->bytes(0, {});
      batch->device()->deliver(0, {.data = memory.get(), .bytes = bytes}, stream.get());
      std::vector<float> result(bytes / sizeof(float));
      device->copy_to_host(reinterpret_cast<std::byte*>(result.data()), memory.get(), bytes,
                           stream.get());
      device->record(done.get(), stream.get());
      wait_on_host(*device, done.get(), nullptr);
      const auto wanted = expected->field("image").as<float>();
      ASSERT_EQ(result, std::vector<float>(wanted.begin(), wanted.end()));
      EXPECT_EQ(batch->field("label").as<std::int32_t>()[0],
                expected->field("label").as<std::int32_t>()[0]);
    }
    EXPECT_THAT(device->misuses(), IsEmpty());
  }
}

}  // namespace
}  // namespace headrace
