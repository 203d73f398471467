#include "headrace/pipeline/image_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "allocation_counter.h"
#include "fake_images.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Filled {
  SlotPool pool;
  std::shared_ptr<Slot> slot;
  Rows rows;

  Filled(const Sequence& sequence, std::uint64_t epoch, std::int64_t first, std::int64_t count)
      : pool(sequence.spec(), count, 1), slot(pool.try_take()), rows(slot->rows(count)) {
    sequence.fill(epoch, first, rows);
  }
  std::int32_t label(std::int64_t row, std::size_t field = 1) const {
    return *rows.row_as<std::int32_t>(field, row);
  }
};

ImageSequence encoded(std::shared_ptr<const Dataset> dataset, ImageSequenceOptions options = {}) {
  return {std::move(dataset), std::make_shared<fake::Codec>(),
          std::make_shared<fake::RandomCrop>(3), options};
}

std::shared_ptr<fake::EncodedDataset> dataset_of(int count, int orientation = 1) {
  return std::make_shared<fake::EncodedDataset>(fake::headers(count, orientation));
}

void expect_what_the_plan_says(const ImageSequence& sequence, const Filled& batch,
                               std::uint64_t epoch, std::int64_t row) {
  const SamplePlan plan = sequence.plan(epoch, row);
  const int id = batch.label(row);
  const auto* pixels = batch.rows.row_as<std::uint8_t>(0, row);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(pixels[(y * 5 + x) * 3 + c],
                  fake::upright_pixel(id, plan.region.top + y, plan.region.left + x, c))
            << "row " << row;
      }
    }
  }
}

TEST(ImageSequence, HasTheFieldsOfItsDataSet) {
  const ImageSequence sequence = encoded(dataset_of(4));
  const BatchSpec expected{{{"image", ElementType::u8, {4, 5, 3}},
                            {"label", ElementType::i32, {}},
                            {"box", ElementType::f32, {2}}}};
  EXPECT_EQ(sequence.spec(), expected);
  EXPECT_EQ(sequence.size(), 4);
}

TEST(ImageSequence, MakesOfEachRecordWhatItsPlanSays) {
  const ImageSequence sequence = encoded(dataset_of(50), {.seed = 3});
  const Filled batch(sequence, 2, 0, 50);
  const EpochOrder order(50, Shuffle::full, 3, 2);
  for (std::int64_t row = 0; row < 50; ++row) {
    EXPECT_EQ(batch.label(row), order.index_at(row));
    EXPECT_EQ(batch.rows.row_as<float>(2, row)[0], static_cast<float>(order.index_at(row)));
    EXPECT_EQ(batch.rows.row_as<float>(2, row)[1], 0.5f);
    expect_what_the_plan_says(sequence, batch, 2, row);
  }
}

TEST(ImageSequence, PlansOfOneRecordDifferByEpochAndSeed) {
  const ImageSequence one = encoded(dataset_of(50), {.seed = 3, .shuffle = Shuffle::none});
  const ImageSequence other = encoded(dataset_of(50), {.seed = 4, .shuffle = Shuffle::none});
  int same_epoch = 0, same_seed = 0;
  for (std::int64_t p = 0; p < 50; ++p) {
    same_epoch += one.plan(0, p).region == one.plan(1, p).region;
    same_seed += one.plan(0, p).region == other.plan(0, p).region;
    EXPECT_EQ(one.plan(7, p).region, one.plan(7, p).region);
  }
  EXPECT_LT(same_epoch, 20);
  EXPECT_LT(same_seed, 20);
}

TEST(ImageSequence, ShowsOrientedImagesUprightToTheAugmenter) {
  const ImageSequence sequence = encoded(dataset_of(30, 6), {.seed = 1, .shuffle = Shuffle::none});
  EXPECT_EQ(sequence.plan(0, 0).source, (ImageSize{10, 8}));  // stored 8x10
  const Filled batch(sequence, 0, 0, 30);
  for (std::int64_t row = 0; row < 30; ++row) expect_what_the_plan_says(sequence, batch, 0, row);
}

TEST(ImageSequence, SamplesDoNotDependOnHowTheyAreGrouped) {
  const ImageSequence sequence = encoded(dataset_of(20));
  const Filled whole(sequence, 1, 3, 12);
  for (std::int64_t row = 0; row < 12; ++row) {
    const Filled one(sequence, 1, 3 + row, 1);
    EXPECT_EQ(std::memcmp(one.rows.row(0, 0), whole.rows.row(0, row), 60), 0);
    EXPECT_EQ(one.label(0), whole.label(row));
  }
}

TEST(ImageSequence, TakesPixelsWithoutADecoder) {
  const ImageSequence sequence(std::make_shared<fake::PixelDataset>(9), nullptr,
                               std::make_shared<fake::RandomCrop>(1),
                               {.seed = 2, .shuffle = Shuffle::none});
  EXPECT_EQ(sequence.spec().fields[1].name, "picture");
  const Filled batch(sequence, 0, 0, 9);
  for (std::int64_t row = 0; row < 9; ++row) {
    EXPECT_EQ(batch.label(row, 0), row);
    const SamplePlan plan = sequence.plan(0, row);
    EXPECT_EQ(
        batch.rows.row_as<std::uint8_t>(1, row)[6],
        fake::upright_pixel(static_cast<int>(row), plan.region.top + 1, plan.region.left + 1, 0));
  }
  EXPECT_GT(sequence.stage_times().render, 0);
  EXPECT_EQ(sequence.stage_times().samples, 9);
  EXPECT_EQ(sequence.stage_times().bytes_read, 9 * (4 + 80));
}

TEST(ImageSequence, ErrorsNameTheRecordAndTheNextSampleIsMade) {
  auto dataset = dataset_of(10);
  dataset->unreadable = 4;
  const ImageSequence sequence = encoded(dataset, {.shuffle = Shuffle::none});
  try {
    const Filled batch(sequence, 0, 0, 10);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_STREQ(error.what(), "record 4: cannot be read");
  }
  EXPECT_THROW(sequence.plan(0, 4), Error);
  EXPECT_EQ(Filled(sequence, 0, 5, 1).label(0), 5);
}

TEST(ImageSequence, RefusesValuesOfAnotherSize) {
  auto dataset = dataset_of(3);
  dataset->short_box = 1;
  const ImageSequence sequence = encoded(dataset, {.shuffle = Shuffle::none});
  try {
    const Filled batch(sequence, 0, 0, 3);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
    EXPECT_STREQ(error.what(), "record 1: field \"box\" has 4 bytes instead of 8");
  }
}

TEST(ImageSequence, RefusesPixelsUnlikeThoseAnnounced) {
  auto dataset = std::make_shared<fake::PixelDataset>(3);
  dataset->channels_read = 3;
  const ImageSequence sequence(dataset, nullptr, std::make_shared<fake::RandomCrop>(1));
  try {
    const Filled batch(sequence, 0, 0, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
    EXPECT_THAT(error.what(), StartsWith("record "));
  }
}

TEST(ImageSequence, RefusesOrientationsThatDoNotExist) {
  const ImageSequence sequence = encoded(dataset_of(3, 9));
  EXPECT_THROW(Filled(sequence, 0, 0, 1), Error);
}

TEST(ImageSequence, RefusesSamplesOutsideOfTheEpoch) {
  const ImageSequence sequence = encoded(dataset_of(3));
  EXPECT_THROW(Filled(sequence, 0, 1, 3), Error);
  EXPECT_THROW(Filled(sequence, 0, -1, 1), Error);
  EXPECT_THROW(sequence.plan(0, 3), Error);
}

TEST(ImageSequence, TakesSamplesInTheOrderOfTheBlocksItWasAskedFor) {
  const ImageSequence sequence =
      encoded(dataset_of(50), {.seed = 3, .shuffle = Shuffle::blocks, .blocks = {4, 3}});
  const Filled batch(sequence, 2, 0, 50);
  const EpochOrder order(50, Shuffle::blocks, 3, 2, {4, 3});
  for (std::int64_t row = 0; row < 50; ++row) EXPECT_EQ(batch.label(row), order.index_at(row));
  EXPECT_THROW(encoded(dataset_of(50), {.shuffle = Shuffle::blocks, .blocks = {0, 3}}), Error);
}

std::string refusal(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const Decoder> decoder,
                    int channels) {
  try {
    ImageSequence(std::move(dataset), std::move(decoder),
                  std::make_shared<fake::RandomCrop>(channels));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(ImageSequence, RefusesPartsThatDoNotFitTogether) {
  const auto codec = std::make_shared<fake::Codec>();
  EXPECT_THAT(refusal(dataset_of(1), nullptr, 3), HasSubstr("decoder is needed"));
  EXPECT_THAT(refusal(dataset_of(1), codec, 2), HasSubstr("1 or 3 channels, not 2"));
  const auto pixels = std::make_shared<fake::PixelDataset>(1);
  EXPECT_THAT(refusal(pixels, nullptr, 3), HasSubstr("has 1 channels, the recipe takes 3"));
  pixels->info_.fields[1].type = ElementType::f64;
  EXPECT_THAT(refusal(pixels, nullptr, 1), HasSubstr("f64"));
  pixels->info_.fields[1].shape = {80};
  EXPECT_THAT(refusal(pixels, nullptr, 1), HasSubstr("1 dimensions"));
  pixels->info_.fields[1].kind = FieldKind::values;
  EXPECT_THAT(refusal(pixels, nullptr, 1), HasSubstr("no image field"));
  pixels->info_.fields.resize(1);
  pixels->info_.fields.push_back({"a", FieldKind::pixels, ElementType::u8, {8, 10, 1}});
  pixels->info_.fields.push_back({"b", FieldKind::encoded_image, ElementType::u8, {}});
  EXPECT_THAT(refusal(pixels, codec, 1), HasSubstr("two image fields, \"a\" and \"b\""));
}

TEST(ImageSequence, FingerprintTellsSeedShuffleAndRecipeApart) {
  const auto dataset = dataset_of(5);
  const std::uint64_t base = encoded(dataset, {.seed = 1}).fingerprint();
  EXPECT_EQ(base, encoded(dataset_of(5), {.seed = 1}).fingerprint());
  EXPECT_NE(base, encoded(dataset, {.seed = 2}).fingerprint());
  EXPECT_NE(base, encoded(dataset, {.seed = 1, .shuffle = Shuffle::none}).fingerprint());
  const ImageSequenceOptions blocks{.seed = 1, .shuffle = Shuffle::blocks};
  EXPECT_NE(base, encoded(dataset, blocks).fingerprint());
  ImageSequenceOptions larger = blocks;
  ++larger.blocks.samples;
  EXPECT_NE(encoded(dataset, larger).fingerprint(), encoded(dataset, blocks).fingerprint());
  const ImageSequence other_recipe(dataset, std::make_shared<fake::Codec>(),
                                   std::make_shared<fake::RandomCrop>(3, 10), {.seed = 1});
  EXPECT_NE(base, other_recipe.fingerprint());
}

TEST(ImageSequence, SteadyStateAllocatesNothing) {
  const ImageSequence images = encoded(dataset_of(64, 6));
  const ImageSequence arrays(std::make_shared<fake::PixelDataset>(64), nullptr,
                             std::make_shared<fake::RandomCrop>(1));
  for (const ImageSequence* sequence : {&images, &arrays}) {
    const Filled warm_up(*sequence, 0, 0, 64);
    const std::size_t scratch = sequence->scratch_bytes();
    const std::int64_t before = allocation_count();
    for (std::uint64_t epoch = 1; epoch < 4; ++epoch) sequence->fill(epoch, 0, warm_up.rows);
    EXPECT_EQ(allocation_count() - before, 0);
    EXPECT_EQ(sequence->scratch_bytes(), scratch);
  }
  EXPECT_GT(images.scratch_bytes(), 0u);
}

TEST(ImageSequence, ThreadsFillAtTheSameTime) {
  const ImageSequence sequence = encoded(dataset_of(40));
  const Filled expected(sequence, 5, 0, 40);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t first = 0; first < 40; first += 5) {
        const Filled part(sequence, 5, first, 5);
        for (std::int64_t row = 0; row < 5; ++row) {
          EXPECT_EQ(std::memcmp(part.rows.row(0, row), expected.rows.row(0, first + row), 60), 0);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sequence.stage_times().samples, 40 * 5);
}

TEST(ImageSequence, GrainGrowsAsSamplesShrink) {
  EXPECT_EQ(encoded(dataset_of(1)).grain(), 8);
  const ImageSequence arrays(std::make_shared<fake::PixelDataset>(1), nullptr,
                             std::make_shared<fake::RandomCrop>(1));
  EXPECT_EQ(arrays.grain(), 256);
}

}  // namespace
}  // namespace headrace
