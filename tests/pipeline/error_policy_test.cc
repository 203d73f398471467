#include "headrace/pipeline/error_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "fake_images.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A data set whose records can be damaged: `errors` are thrown by read(), images of `broken` do not
// open, and those of `damaged` cannot be decoded below their fourth row.
class DamagedDataset final : public Dataset {
 public:
  explicit DamagedDataset(int count) : sound_(fake::headers(count)) {}

  std::int64_t size() const override { return sound_.size(); }
  const DatasetInfo& info() const override { return sound_.info(); }
  void read(std::int64_t index, Record& into) const override {
    ++reads_[static_cast<std::size_t>(index)];
    if (const auto found = errors.find(index); found != errors.end()) throw found->second;
    sound_.read(index, into);
    if (broken.contains(index)) into.values[0].bytes = {};
    if (damaged.contains(index)) into.values[0].bytes = into.values[0].bytes.first(15);
  }
  std::int64_t label(std::int64_t index) const override { return sound_.label(index); }
  std::string key(std::int64_t index) const override {
    return "list.csv:" + std::to_string(index + 1) + ": " + std::to_string(index) + ".jpg";
  }
  std::uint64_t fingerprint() const override { return 77; }
  int reads(std::int64_t index) const { return reads_[static_cast<std::size_t>(index)]; }

  std::map<std::int64_t, Error> errors;
  std::set<std::int64_t> broken;
  std::set<std::int64_t> damaged;

 private:
  fake::EncodedDataset sound_;
  mutable std::array<std::atomic<int>, 1000> reads_{};
};

// A last byte, always 0, is missing from the headers of damaged images.
class DamagedSession final : public DecodeSession {
 public:
  ImageInfo open(std::span<const std::byte> encoded) override {
    if (encoded.empty()) throw Error(ErrorCode::corrupt_data, "not an image");
    damaged_ = encoded.size() < sizeof(fake::Header);
    fake::Header header;
    std::memcpy(&header, encoded.data(), encoded.size());
    return sound_.open(std::as_bytes(std::span(&header, 1)));
  }
  Region decode(const DecodeRequest& request, Image& into) override {
    if (damaged_ && request.region.top > 0) throw Error(ErrorCode::corrupt_data, "it ends early");
    return sound_.decode(request, into);
  }

 private:
  fake::Session sound_;
  bool damaged_ = false;
};

class DamagedCodec final : public Decoder {
 public:
  std::unique_ptr<DecodeSession> session() const override {
    return std::make_unique<DamagedSession>();
  }
  std::uint64_t fingerprint() const override { return 5; }
};

std::shared_ptr<ImageSequence> sequence_of(std::shared_ptr<const Dataset> dataset,
                                           ImageSequenceOptions options) {
  return std::make_shared<ImageSequence>(std::move(dataset), std::make_shared<DamagedCodec>(),
                                         std::make_shared<fake::RandomCrop>(3), options);
}

// All kinds of damage, some of it side by side.
std::shared_ptr<DamagedDataset> damaged_dataset(int count = 100) {
  auto dataset = std::make_shared<DamagedDataset>(count);
  dataset->errors.emplace(3, io_error("cannot read 3.jpg", EIO));
  dataset->errors.emplace(40, Error(ErrorCode::corrupt_data, "40.jpg is empty"));
  dataset->errors.emplace(41, io_error("cannot open 41.jpg", ENOENT));
  dataset->broken = {7, 42, 43};
  dataset->damaged = {10, 11, 12, 44};
  return dataset;
}

constexpr ErrorBudget half = {.share = 0.5};

struct Row {
  std::vector<std::byte> image;
  std::int32_t label = 0;
  float box[2] = {};
  friend bool operator==(const Row& a, const Row& b) {
    return a.image == b.image && a.label == b.label && a.box[0] == b.box[0] && a.box[1] == b.box[1];
  }
};

Row row_of(const Batch& batch, std::int64_t row) {
  Row copy;
  const auto pixels = std::as_bytes(batch.field("image").as<std::uint8_t>());
  const auto at = static_cast<std::size_t>(row);
  copy.image.assign(pixels.begin() + row * 60, pixels.begin() + (row + 1) * 60);
  copy.label = batch.field("label").as<std::int32_t>()[at];
  for (std::size_t i = 0; i < 2; ++i) copy.box[i] = batch.field("box").as<float>()[2 * at + i];
  return copy;
}

Row sample(const Sequence& sequence, std::uint64_t epoch, std::int64_t position) {
  return row_of(make_batch(sequence, epoch, position, 1), 0);
}

// --- What becomes of samples ---

TEST(ErrorPolicy, FailThrowsTheErrorOfTheRecord) {
  const auto sequence = sequence_of(damaged_dataset(), {.shuffle = Shuffle::none});
  for (const std::int64_t index : {3, 7, 40, 41, 42, 43}) {
    EXPECT_THROW(sample(*sequence, 0, index), Error) << index;
  }
  EXPECT_TRUE(sequence->error_report().records.empty());
}

TEST(ErrorPolicy, SkipTakesTheNextPositionOfTheEpochThatCanBeUsed) {
  const auto dataset = damaged_dataset();
  const auto sound = sequence_of(std::make_shared<DamagedDataset>(100), {.seed = 5});
  const auto sequence =
      sequence_of(dataset, {.seed = 5, .on_error = ErrorPolicy::skip, .error_budget = half});
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
    const EpochOrder order(100, Shuffle::full, 5, epoch);
    const auto usable = [&](std::int64_t position) {
      const std::int64_t index = order.index_at(position);
      if (dataset->errors.contains(index) || dataset->broken.contains(index)) return false;
      return !dataset->damaged.contains(index) || sound->plan(epoch, position).region.top == 0;
    };
    for (std::int64_t position = 0; position < 100; ++position) {
      std::int64_t source = position;
      while (!usable(source)) source = (source + 1) % 100;
      ASSERT_EQ(sample(*sequence, epoch, position), sample(*sound, epoch, source)) << position;
    }
  }
}

TEST(ErrorPolicy, SkipGoesOnAtTheStartAfterTheLastPosition) {
  const auto dataset = std::make_shared<DamagedDataset>(10);
  dataset->broken = {8, 9, 0};
  const auto sequence = sequence_of(
      dataset, {.shuffle = Shuffle::none, .on_error = ErrorPolicy::skip, .error_budget = half});
  EXPECT_EQ(sample(*sequence, 0, 8).label, 1);
  EXPECT_EQ(sample(*sequence, 0, 9).label, 1);
}

TEST(ErrorPolicy, SkipGivesUpAfterThirtyTwoNeighbours) {
  for (const int broken : {33, 32}) {
    const auto dataset = std::make_shared<DamagedDataset>(100);
    for (int i = 0; i < broken; ++i) dataset->broken.insert(i);
    const auto sequence = sequence_of(
        dataset, {.shuffle = Shuffle::none, .on_error = ErrorPolicy::skip, .error_budget = half});
    if (broken == 32) {
      EXPECT_EQ(sample(*sequence, 0, 0).label, 32);
      continue;
    }
    try {
      sample(*sequence, 0, 0);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(StartsWith("list.csv:1: 0.jpg: "), HasSubstr("32 samples")));
    }
  }
}

TEST(ErrorPolicy, BlankGivesZerosWithTheLabelOfTheRecordHoweverItFails) {
  const auto dataset = damaged_dataset();
  const auto sequence = sequence_of(
      dataset, {.shuffle = Shuffle::none, .on_error = ErrorPolicy::blank, .error_budget = half});
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    for (const std::int32_t index : {3, 7, 40, 41, 42, 43}) {
      const Row row = sample(*sequence, epoch, index);
      EXPECT_EQ(row, (Row{std::vector<std::byte>(60), index, {}})) << index;
    }
  }
  EXPECT_EQ(sample(*sequence, 0, 8).box[0], 8.0f);
}

std::uint64_t stream_fingerprint(std::shared_ptr<const Sequence> sequence, int threads,
                                 Position start = {}) {
  Fingerprint fingerprint;
  Loader loader(std::move(sequence),
                {.batch_size = 7, .threads = threads, .start = start, .epochs = 4});
  while (loader.state().position.epoch < 4) {
    if (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  return fingerprint.value();
}

TEST(ErrorPolicy, TheSameStreamAtAnyNumberOfThreadsAndFromAnyPlace) {
  for (const ErrorPolicy policy : {ErrorPolicy::skip, ErrorPolicy::blank}) {
    const auto made = [&] {
      return sequence_of(damaged_dataset(), {.seed = 2, .on_error = policy, .error_budget = half});
    };
    const auto one = made();
    const std::uint64_t expected = stream_fingerprint(one, 1);
    for (const int threads : {2, 4}) EXPECT_EQ(stream_fingerprint(made(), threads), expected);
    // What a sequence remembers of failures makes no difference to what it gives.
    EXPECT_EQ(stream_fingerprint(one, 2), expected);
    EXPECT_EQ(stream_fingerprint(made(), 2, {2, 50}), stream_fingerprint(one, 2, {2, 50}));
  }
}

TEST(ErrorPolicy, TheErrorPolicyIsNoPartOfTheFingerprint) {
  const auto dataset = damaged_dataset();
  EXPECT_EQ(sequence_of(dataset, {})->fingerprint(),
            sequence_of(dataset, {.on_error = ErrorPolicy::skip})->fingerprint());
}

TEST(ErrorPolicy, ErrorsThatAreNotTheRecordsFaultAreThrownUnderEveryPolicy) {
  for (const Error& fault :
       {io_error("cannot open 5.jpg", EMFILE), Error(ErrorCode::cancelled, "stopped"),
        Error(ErrorCode::backend, "the device has gone")}) {
    const auto dataset = std::make_shared<DamagedDataset>(10);
    dataset->errors.emplace(5, fault);
    for (const ErrorPolicy policy : {ErrorPolicy::skip, ErrorPolicy::blank}) {
      const auto sequence = sequence_of(
          dataset, {.shuffle = Shuffle::none, .on_error = policy, .error_budget = half});
      try {
        sample(*sequence, 0, 5);
        FAIL() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), fault.code());
        EXPECT_EQ(error.what(), "list.csv:6: 5.jpg: " + std::string(fault.what()));
      }
      EXPECT_TRUE(sequence->error_report().records.empty());
    }
  }
}

// --- Files that change while they are used ---

TEST(ErrorPolicy, AFileThatVanishesOrShrinksBetweenEpochsIsReplacedAndUsedAgainWhenItIsBack) {
  const auto dataset = std::make_shared<DamagedDataset>(10);
  const auto sequence = sequence_of(
      dataset, {.shuffle = Shuffle::none, .on_error = ErrorPolicy::skip, .error_budget = half});
  EXPECT_EQ(sample(*sequence, 0, 5).label, 5);
  dataset->errors.emplace(5, io_error("cannot open 5.jpg", ENOENT));
  EXPECT_EQ(sample(*sequence, 1, 5).label, 6);
  dataset->errors.clear();
  dataset->errors.emplace(5, Error(ErrorCode::io, "5.jpg became shorter while it was read"));
  EXPECT_EQ(sample(*sequence, 2, 5).label, 6);
  dataset->errors.clear();
  EXPECT_EQ(sample(*sequence, 3, 5).label, 5);
  const ErrorReport report = sequence->error_report();
  ASSERT_EQ(report.records.size(), 1u);
  EXPECT_EQ(report.records[0].times, 2);
  EXPECT_THAT(report.records[0].reason, StartsWith("cannot open 5.jpg"));
}

TEST(ErrorPolicy, WhatNoDrawCanChangeIsReadOnce) {
  const auto dataset = damaged_dataset();
  const auto sequence = sequence_of(
      dataset, {.shuffle = Shuffle::none, .on_error = ErrorPolicy::blank, .error_budget = half});
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
    for (const std::int64_t index : {3, 7, 12, 40}) sample(*sequence, epoch, index);
  }
  EXPECT_EQ(dataset->reads(40), 1);  // an empty file
  EXPECT_EQ(dataset->reads(7), 1);   // not an image
  EXPECT_EQ(dataset->reads(12), 5);  // damaged in part
  EXPECT_EQ(dataset->reads(3), 5);   // the disk may recover
}

// --- Budget and report ---

TEST(ErrorPolicy, MoreFailuresThanTheBudgetAllowsAreAnErrorThatNamesTheFirst) {
  const auto dataset = damaged_dataset();
  const auto sequence = sequence_of(
      dataset,
      {.shuffle = Shuffle::none, .on_error = ErrorPolicy::skip, .error_budget = {.count = 3}});
  EXPECT_EQ(sample(*sequence, 0, 43).label, 45 - (sequence->plan(0, 44).region.top == 0));
  EXPECT_EQ(sample(*sequence, 0, 3).label, 4);
  const auto rest = [&] {
    for (std::int64_t position = 0; position < 100; ++position) sample(*sequence, 0, position);
  };
  for (int i = 0; i < 2; ++i) {
    try {
      rest();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(
          error.what(),
          AllOf(StartsWith("4 of 100 records cannot be used, and the error budget allows 3"),
                HasSubstr("list.csv:4: 3.jpg: cannot read 3.jpg: "),
                HasSubstr("list.csv:8: 7.jpg: not an image")));
    }
  }
  EXPECT_EQ(sequence->error_report().records.size(), 4u);
  EXPECT_EQ(sample(*sequence, 0, 99).label, 99);  // sound samples are still there
}

std::int64_t limit_of(ErrorBudget budget, std::int64_t size) {
  return FailureLog(ErrorPolicy::skip, budget, size).report().limit;
}

TEST(ErrorPolicy, ABudgetIsACountOrAShareRoundedUp) {
  EXPECT_EQ(limit_of({}, 1000), 10);
  EXPECT_EQ(limit_of({}, 1), 1);
  EXPECT_EQ(limit_of({.share = 0}, 1000), 0);
  EXPECT_EQ(limit_of({.share = 1}, 1000), 1000);
  EXPECT_EQ(limit_of({.count = 7, .share = 0.5}, 1000), 7);
  EXPECT_EQ(limit_of({.share = 1}, 1'000'000'000), 65'536);
  EXPECT_EQ(limit_of({.count = 1'000'000}, 1'000'000'000), 65'536);
}

TEST(ErrorPolicy, RefusesBudgetsThatMakeNoSense) {
  EXPECT_THROW(limit_of({.count = -1}, 10), Error);
  EXPECT_THROW(limit_of({.share = -0.1}, 10), Error);
  EXPECT_THROW(limit_of({.share = 1.1}, 10), Error);
  EXPECT_THROW(limit_of({.share = std::numeric_limits<double>::quiet_NaN()}, 10), Error);
  EXPECT_THROW(sequence_of(damaged_dataset(), {.error_budget = {.count = -1}}), Error);
}

TEST(ErrorPolicy, TheReportListsEachRecordOnceWithItsKeyReasonAndHowOften) {
  const auto sequence =
      sequence_of(damaged_dataset(),
                  {.shuffle = Shuffle::none, .on_error = ErrorPolicy::skip, .error_budget = half});
  EXPECT_EQ(to_text(sequence->error_report()), "no record failed\n");
  for (int i = 0; i < 3; ++i) sample(*sequence, 0, 7);
  sample(*sequence, 0, 40);  // and 41, 42, 43
  const ErrorReport report = sequence->error_report();
  EXPECT_EQ(report.policy, ErrorPolicy::skip);
  EXPECT_EQ(report.size, 100);
  EXPECT_EQ(report.limit, 50);
  EXPECT_EQ(report.replaced, 4);
  ASSERT_GE(report.records.size(), 5u);
  EXPECT_EQ(report.records[0].index, 7);
  EXPECT_EQ(report.records[0].key, "list.csv:8: 7.jpg");
  EXPECT_EQ(report.records[0].reason, "not an image");
  EXPECT_EQ(report.records[0].code, ErrorCode::corrupt_data);
  EXPECT_EQ(report.records[0].times, 3);
  EXPECT_EQ(report.records[2].index, 41);
  EXPECT_EQ(report.records[2].code, ErrorCode::io);
  EXPECT_THAT(
      to_text(report),
      AllOf(HasSubstr(" of 100 records failed (50 may); 4 samples were replaced by others\n"),
            HasSubstr("list.csv:8: 7.jpg: not an image (corrupt_data, wanted 3 times)\n"),
            HasSubstr("list.csv:41: 40.jpg: 40.jpg is empty (corrupt_data, wanted 1 time)")));
}

TEST(ErrorPolicy, ManyThreadsReportEachRecordOnce) {
  const auto dataset = std::make_shared<DamagedDataset>(900);
  for (int i = 0; i < 900; i += 10) dataset->broken.insert(i);
  for (int i = 5; i < 900; i += 50) dataset->errors.emplace(i, io_error("cannot read", EIO));
  const auto sequence = sequence_of(dataset, {.on_error = ErrorPolicy::skip, .error_budget = half});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t i = 0; i < 900 / 30; ++i) make_batch(*sequence, 0, i, 30);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const ErrorReport report = sequence->error_report();
  EXPECT_EQ(report.records.size(), 108u);
  EXPECT_EQ(report.replaced, 4 * 108);
  for (const FailedRecord& record : report.records) EXPECT_GE(record.times, 4);
}

TEST(ErrorPolicy, EveryPolicyHasItsName) {
  EXPECT_EQ(to_string(ErrorPolicy::fail), "fail");
  EXPECT_EQ(to_string(ErrorPolicy::skip), "skip");
  EXPECT_EQ(to_string(ErrorPolicy::blank), "blank");
}

}  // namespace
}  // namespace headrace
