#include "headrace/pipeline/sample_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/sample_reader.h"
#include "slow_disk.h"

namespace headrace {
namespace {

using fake::SlowDisk;
using ::testing::HasSubstr;

// The same rectangle of 4x5 pixels of every image.
class FixedCrop final : public Augmenter {
 public:
  explicit FixedCrop(int channels) : crop_(channels) {}
  const FieldSpec& output() const override { return crop_.output(); }
  int channels() const override { return crop_.channels(); }
  SamplePlan plan(ImageSize source, const Rng&) const override {
    SamplePlan plan;
    plan.source = source;
    plan.output = {4, 5};
    plan.region = {1, 2, 4, 5};
    return plan;
  }
  bool is_random() const override { return false; }
  void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
              std::byte* destination, RenderScratch& scratch) const override {
    crop_.render(plan, pixels, decoded, destination, scratch);
  }
  std::uint64_t fingerprint() const override { return 10; }

 private:
  fake::RandomCrop crop_;
};

ImageSequenceOptions caching(SampleCache what, std::shared_ptr<MemoryBudget> memory) {
  ImageSequenceOptions options;
  options.cache = what;
  options.memory = std::move(memory);
  return options;
}

struct Delivered {
  std::uint64_t fingerprint = 0;
  LoaderStats stats;
};

// Three epochs.
Delivered run(std::shared_ptr<const ImageSequence> sequence, int io_threads = 2) {
  Fingerprint fingerprint;
  Loader loader(std::move(sequence),
                {.batch_size = 16, .threads = 3, .epochs = 3, .io_threads = io_threads});
  for (int epoch = 0; epoch < 3; ++epoch) {
    while (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  return {fingerprint.value(), loader.stats()};
}

std::shared_ptr<const ImageSequence> sequence_of(std::shared_ptr<const Dataset> data, bool random,
                                                 ImageSequenceOptions options = {}) {
  std::shared_ptr<const Augmenter> recipe = std::make_shared<FixedCrop>(3);
  if (random) recipe = std::make_shared<fake::RandomCrop>(3);
  return std::make_shared<ImageSequence>(std::move(data), std::make_shared<fake::Codec>(),
                                         std::move(recipe), std::move(options));
}

constexpr int records = 120;

TEST(SampleCache, PixelsGiveTheSameBatchesAndEachRecordIsReadOnce) {
  for (const bool random : {true, false}) {
    for (const int orientation : {1, 6}) {
      for (const int io_threads : {0, 2}) {
        const auto images =
            std::make_shared<fake::EncodedDataset>(fake::headers(records, orientation));
        const Delivered plain = run(sequence_of(images, random), io_threads);
        const auto memory = std::make_shared<MemoryBudget>(10'000'000);
        const auto cached = sequence_of(images, random, caching(SampleCache::pixels, memory));
        const Delivered kept = run(cached, io_threads);
        EXPECT_EQ(kept.fingerprint, plain.fingerprint);
        EXPECT_EQ(cached->cache_stats().kept, records);
        EXPECT_FALSE(cached->cache_stats().is_full);
        EXPECT_EQ(cached->cache_stats().bytes, memory->total() - memory->left());
        EXPECT_EQ(kept.stats.stages.samples, plain.stats.stages.samples);
        EXPECT_GE(kept.stats.stages.cached_samples, 2 * records - 6 * 16);  // made ahead
        EXPECT_EQ(cached->cache_stats().hits, cached->stage_times().cached_samples);
      }
    }
  }
}

TEST(SampleCache, WhatIsKeptIsNeitherReadNorAnnounced) {
  const auto disk = std::make_shared<SlowDisk>(records);
  const auto memory = std::make_shared<MemoryBudget>(10'000'000);
  const auto cached = sequence_of(disk, true, caching(SampleCache::pixels, memory));
  {
    Loader loader(cached, {.batch_size = 20, .threads = 2, .epochs = 1});
    while (loader.next()) {
    }
  }
  const std::int64_t reads = disk->reads();
  EXPECT_EQ(reads, records);
  EXPECT_EQ(cached->reader()->will_need(1, 0, records), 0u);
  run(cached);
  EXPECT_EQ(disk->reads(), reads);
}

TEST(SampleCache, WhatFindsNoRoomIsMadeAnewEachTime) {
  const auto images = std::make_shared<fake::EncodedDataset>(fake::headers(records));
  for (const bool random : {true, false}) {
    const Delivered plain = run(sequence_of(images, random));
    for (const SampleCache what : {SampleCache::pixels, SampleCache::samples}) {
      if (random && what == SampleCache::samples) continue;
      const auto memory = std::make_shared<MemoryBudget>(8 * records + 10'000);
      const auto cached = sequence_of(images, random, caching(what, memory));
      EXPECT_EQ(run(cached).fingerprint, plain.fingerprint);
      const SampleCacheStats stats = cached->cache_stats();
      EXPECT_TRUE(stats.is_full);
      EXPECT_GT(stats.kept, 5);
      EXPECT_LT(stats.kept, records);
      EXPECT_LE(stats.bytes, memory->total());
      EXPECT_GT(stats.hits, 0);
    }
  }
}

TEST(SampleCache, ARecipeThatDrawsNothingKeepsOnlyTheRegionItNeeds) {
  // Images so large that the region is a small part of them.
  const auto images = std::make_shared<fake::EncodedDataset>(
      std::vector<fake::Header>(20, {.height = 100, .width = 100, .orientation = 1, .id = 3}));
  const auto memory = std::make_shared<MemoryBudget>(10'000'000);
  const auto whole = sequence_of(images, true, caching(SampleCache::pixels, memory));
  const auto region = sequence_of(images, false, caching(SampleCache::pixels, memory));
  run(whole);
  run(region);
  EXPECT_GT(whole->cache_stats().bytes, 20u * 100 * 100 * 3);
  EXPECT_LT(region->cache_stats().bytes, 20u * 1000);
}

TEST(SampleCache, SamplesOfARecipeThatDrawsNothingAreMadeOnce) {
  const auto disk = std::make_shared<SlowDisk>(records);
  const Delivered plain = run(sequence_of(disk, false));
  const std::int64_t reads = disk->reads();
  const auto memory = std::make_shared<MemoryBudget>(10'000'000);
  const auto cached = sequence_of(disk, false, caching(SampleCache::samples, memory));
  EXPECT_EQ(run(cached).fingerprint, plain.fingerprint);
  EXPECT_EQ(cached->cache_stats().kept, records);
  EXPECT_LT(disk->reads() - reads, reads / 2);
}

TEST(SampleCache, SamplesOfPixelsCanBeKeptToo) {
  const auto pixels = std::make_shared<fake::PixelDataset>(records);
  const auto recipe = std::make_shared<FixedCrop>(1);
  const auto memory = std::make_shared<MemoryBudget>(10'000'000);
  const auto plain = std::make_shared<ImageSequence>(pixels, nullptr, recipe);
  const auto cached = std::make_shared<ImageSequence>(pixels, nullptr, recipe,
                                                      caching(SampleCache::samples, memory));
  EXPECT_EQ(run(cached).fingerprint, run(plain).fingerprint);
  EXPECT_EQ(cached->cache_stats().kept, records);
}

// Images of which only the middle can be decoded.
class DamagedAtTheEdge final : public Decoder {
 public:
  class Session final : public DecodeSession {
   public:
    ImageInfo open(std::span<const std::byte> encoded) override {
      is_open_ = true;
      info_ = whole_.open(encoded);
      return info_;
    }
    Region decode(const DecodeRequest& request, Image& into) override {
      if (!std::exchange(is_open_, false)) throw Error(ErrorCode::corrupt_data, "not open");
      if (request.region.height == info_.shape.height) {
        throw Error(ErrorCode::corrupt_data, "the data end early");
      }
      return whole_.decode(request, into);
    }

   private:
    fake::Session whole_;
    ImageInfo info_;
    bool is_open_ = false;
  };
  std::unique_ptr<DecodeSession> session() const override { return std::make_unique<Session>(); }
  std::uint64_t fingerprint() const override { return 5; }
};

TEST(SampleCache, ADamagedImageIsUsedAsWithoutACacheAndIsNotKept) {
  const auto images = std::make_shared<fake::EncodedDataset>(fake::headers(records));
  const auto recipe = std::make_shared<fake::RandomCrop>(3);
  const auto decoder = std::make_shared<DamagedAtTheEdge>();
  const auto memory = std::make_shared<MemoryBudget>(10'000'000);
  const auto plain = std::make_shared<ImageSequence>(images, decoder, recipe);
  const auto cached = std::make_shared<ImageSequence>(images, decoder, recipe,
                                                      caching(SampleCache::pixels, memory));
  EXPECT_EQ(run(cached).fingerprint, run(plain).fingerprint);
  EXPECT_EQ(cached->cache_stats().kept, 0);
  EXPECT_EQ(cached->cache_stats().bytes, 8u * records);
}

TEST(SampleCache, RefusesWhatCannotBeKept) {
  const auto refusal = [](auto make) -> std::string {
    try {
      make();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  const auto images = std::make_shared<fake::EncodedDataset>(fake::headers(100));
  const auto pixels = std::make_shared<fake::PixelDataset>(100);
  const auto memory = std::make_shared<MemoryBudget>(1'000'000);
  EXPECT_THAT(refusal([&] { sequence_of(images, true, caching(SampleCache::samples, memory)); }),
              HasSubstr("draws of the first epoch"));
  EXPECT_THAT(refusal([&] { sequence_of(images, true, caching(SampleCache::pixels, nullptr)); }),
              HasSubstr("memory"));
  EXPECT_THAT(refusal([&] {
                ImageSequence(pixels, nullptr, std::make_shared<FixedCrop>(1),
                              caching(SampleCache::pixels, memory));
              }),
              HasSubstr("nothing to decode"));
  const auto small = std::make_shared<MemoryBudget>(700);
  EXPECT_THAT(refusal([&] { sequence_of(images, true, caching(SampleCache::pixels, small)); }),
              HasSubstr("800 would do"));
}

}  // namespace
}  // namespace headrace
