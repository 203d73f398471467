#include "headrace/train/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../support/error_matcher.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_loss.h"
#include "keras_fixture.h"

namespace headrace {
namespace {

using cpu::LossStep;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A model whose output is its input: the loss sees what it is given.
Graph passing(std::int64_t width) {
  Graph graph;
  graph.set_output(graph.input({width}, "values"));
  return graph;
}

Loss loss_of(const json& test) {
  Loss loss;
  const auto kind = test.at("kind").get<std::string>();
  if (kind == "binary_crossentropy") loss.kind = LossKind::binary_crossentropy;
  if (kind == "mean_squared_error") loss.kind = LossKind::mean_squared_error;
  loss.from_logits = test.at("from_logits").get<bool>();
  loss.label_smoothing = test.at("label_smoothing").get<double>();
  return loss;
}

struct Computed {
  MetricSums sums;
  std::vector<float> gradient;
};

Computed compute(const Loss& loss, const std::vector<float>& values, const Batch& batch,
                 std::int64_t width, float scale = 1, const MetricOptions& metrics = {}) {
  const LossStep step(passing(width), loss, metrics);
  const auto rows = static_cast<std::int64_t>(values.size()) / width;
  StepInput input;
  input.batch = &batch;
  input.rows = input.global_rows = rows;
  Computed computed{{}, std::vector<float>(values.size())};
  cpu::LossBlock block;
  block.batch = &batch;
  block.rows = rows;
  block.values = values.data();
  block.labels = step.bind(input, "label");
  block.scale = scale;
  block.gradient = computed.gradient.data();
  step.run(block, computed.sums);
  return computed;
}

TEST(Loss, AgreesWithKeras) {
  const json fixture = keras_fixture();
  const auto width = fixture.at("classes").get<std::int64_t>();
  for (const json& test : fixture.at("losses")) {
    SCOPED_TRACE(test.at("kind").get<std::string>() +
                 (test.at("from_logits") ? " from logits" : "") + ", smoothing " +
                 test.at("label_smoothing").dump());
    const auto values = test.at("outputs").get<std::vector<float>>();
    const auto expected = test.at("gradient").get<std::vector<double>>();
    const auto losses = test.at("losses").get<std::vector<double>>();
    double loss = 0;
    for (const double row : losses) loss += row;
    const auto labels = test.value("labels", std::vector<std::int32_t>{});
    const Batch batch = label_batch(static_cast<std::int64_t>(losses.size()), labels,
                                    test.at("targets").get<std::vector<float>>(), width);
    const Computed computed = compute(loss_of(test), values, batch, width, 0.25f);
    EXPECT_NEAR(computed.sums.loss, loss, 1e-5 * std::abs(loss));
    EXPECT_EQ(computed.sums.samples, static_cast<double>(losses.size()));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(computed.gradient[i], 0.25 * expected[i], 1e-5 * (0.1 + std::abs(expected[i])))
          << "element " << i;
    }

    MetricSums sums;
    const auto rows = static_cast<std::int64_t>(losses.size());
    const auto slopes = reference::loss_gradient(
        loss_of(test), test.at("from_logits"), test.at("outputs").get<std::vector<double>>(),
        test.at("targets").get<std::vector<double>>(), rows, rows, sums);
    EXPECT_NEAR(sums.loss, loss, 1e-7 * std::abs(loss));
    EXPECT_EQ(sums.correct, computed.sums.correct);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(slopes[i] * static_cast<double>(rows), expected[i],
                  1e-7 + 1e-6 * std::abs(expected[i]));
    }
  }
}

TEST(Loss, SmoothedIndicesAreSmoothedOneHotTargets) {
  const std::vector<float> values{0.5f, -1, 2, 0, 0.25f, -3};
  const Loss loss{.from_logits = true, .label_smoothing = 0.2};
  const Computed sparse = compute(loss, values, label_batch(2, {2, 0}, {}, 3), 3);
  const Computed dense = compute(loss, values, label_batch(2, {}, {0, 0, 1, 1, 0, 0}, 3), 3);
  EXPECT_DOUBLE_EQ(sparse.sums.loss, dense.sums.loss);
  EXPECT_EQ(sparse.gradient, dense.gradient);
  EXPECT_EQ(sparse.sums.correct, dense.sums.correct);
}

TEST(Loss, OfExtremeLogitsStaysFinite) {
  const Loss binary{.kind = LossKind::binary_crossentropy, .from_logits = true};
  const Computed computed = compute(binary, {1000, -1000}, label_batch(2, {}, {0, 1}, 1), 1);
  EXPECT_DOUBLE_EQ(computed.sums.loss, 2000);
  EXPECT_THAT(computed.gradient, ElementsAre(1, -1));
  const Loss categorical{.from_logits = true};
  const Computed other = compute(categorical, {1000, -1000}, label_batch(1, {1}, {}, 2), 2);
  EXPECT_DOUBLE_EQ(other.sums.loss, 2000);
  EXPECT_THAT(other.gradient, ElementsAre(1, -1));
}

TEST(Loss, OneOutputTakesIntegersAsItsValues) {
  const Loss squared{.kind = LossKind::mean_squared_error};
  const Computed computed = compute(squared, {2.5f, -1}, label_batch(2, {4, -1}, {}, 1), 1);
  EXPECT_DOUBLE_EQ(computed.sums.loss, 2.25);
  EXPECT_THAT(computed.gradient, ElementsAre(-3, 0));
  const Loss binary{.kind = LossKind::binary_crossentropy};
  EXPECT_THAT([&] { compute(binary, {0.5f}, label_batch(1, {2}, {}, 1), 1); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("classes 0 to 1")));
}

TEST(Loss, RowsOfPaddingCountNothing) {
  BatchSpec spec{{{"label", ElementType::i32, {}}}};
  SlotPool pool(spec, 3, 1);
  auto slot = pool.try_take();
  const Rows rows = slot->rows(3);
  for (int i = 0; i < 3; ++i) *rows.row_as<std::int32_t>(0, i) = 1;
  slot->describe(3, {0, 0}, {0, 2}, 2);
  const Batch batch = pool.lease(std::move(slot));
  ASSERT_EQ(batch.valid_rows(), 2);
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  for (const auto& loss : {Loss{.from_logits = true},
                           Loss{.kind = LossKind::own, .own = [](const LossRows& given) {
                                  std::fill(given.gradient.begin(), given.gradient.end(), 1.0f);
                                  return static_cast<double>(given.rows);
                                }}}) {
    const Computed computed = compute(loss, values, batch, 2);
    EXPECT_EQ(computed.sums.samples, 2);
    EXPECT_NE(computed.gradient[3], 0);
    EXPECT_EQ(computed.gradient[4], 0);
    EXPECT_EQ(computed.gradient[5], 0);
  }
}

TEST(Loss, OfOnesOwnSeesItsRowsAndIsScaled) {
  Loss loss{.kind = LossKind::own};
  loss.own = [](const LossRows& rows) {
    const auto labels = rows.batch->field("label").as<float>().subspan(
        static_cast<std::size_t>(rows.first), rows.output.size());
    double sum = 0;
    for (std::size_t i = 0; i < rows.output.size(); ++i) {
      sum += std::abs(rows.output[i] - labels[i]);
      if (!rows.gradient.empty()) rows.gradient[i] = rows.output[i] > labels[i] ? 1.0f : -1.0f;
    }
    return sum;
  };
  const Computed computed = compute(loss, {2, -3}, label_batch(2, {}, {1, 1}, 1), 1, 0.5f);
  EXPECT_EQ(computed.sums.loss, 5);
  EXPECT_EQ(computed.sums.samples, 2);
  EXPECT_THAT(computed.gradient, ElementsAre(0.5f, -0.5f));
}

TEST(Loss, WhatMakesNoSenseIsRefused) {
  const auto refused = [](const Loss& loss, const std::string& what, std::int64_t width = 3,
                          const MetricOptions& metrics = {}) {
    EXPECT_THAT([&] { LossStep(passing(width), loss, metrics); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(what)));
  };
  refused({.kind = LossKind::own}, "needs the function");
  refused({.own = [](const LossRows&) { return 0.0; }}, "LossKind::own");
  refused({.label_smoothing = 1.5}, "smoothing");
  refused({.kind = LossKind::mean_squared_error, .from_logits = true}, "cross-entropy");
  refused({}, "two or more classes", 1);
  refused({.kind = LossKind::binary_crossentropy}, "one class a sample", 3, {.confusion = true});
  refused({}, "threshold", 3, {.threshold = 1});
  ModelBuilder b;
  b.dense(b.input({2}), 1);
  EXPECT_THAT([&] { LossStep(b.build(), {.kind = LossKind::binary_crossentropy}, {}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("ends in sigmoid")));
}

TEST(Metrics, AgreeWithKeras) {
  const json test = keras_fixture().at("metrics");
  const std::int64_t width = 7;
  const auto labels = test.at("labels").get<std::vector<std::int32_t>>();
  const auto rows = static_cast<std::int64_t>(labels.size());
  const auto outputs = test.at("outputs").get<std::vector<float>>();
  for (const int k : {1, 2, 5}) {
    const Computed computed =
        compute({.from_logits = true}, outputs, label_batch(rows, labels, {}, width), width, 1,
                {.top_k = k, .confusion = true});
    EXPECT_NEAR(computed.sums.accuracy(), test.at("accuracy").get<double>(), 1e-6);
    EXPECT_NEAR(computed.sums.top_k_accuracy(), test.at("top_" + std::to_string(k)).get<double>(),
                1e-6);
    std::vector<double> confusion;
    for (const json& row : test.at("confusion")) {
      for (const json& count : row) confusion.push_back(count.get<double>());
    }
    EXPECT_EQ(computed.sums.confusion, confusion);
    EXPECT_EQ(computed.sums.classes(), width);
  }
  const auto probabilities = test.at("probabilities").get<std::vector<float>>();
  const auto binary = test.at("binary_targets").get<std::vector<float>>();
  for (const auto& [threshold, name] :
       {std::pair{0.5, "binary_accuracy"}, {0.8, "binary_accuracy_above_0.8"}}) {
    const auto rows_of_binary = static_cast<std::int64_t>(binary.size()) / width;
    const Computed computed =
        compute({.kind = LossKind::binary_crossentropy}, probabilities,
                label_batch(rows_of_binary, {}, binary, width), width, 1, {.threshold = threshold});
    EXPECT_NEAR(computed.sums.accuracy(), test.at(name).get<double>(), 1e-6);
  }
}

TEST(Metrics, OneOutputHasTwoClasses) {
  const Computed computed =
      compute({.kind = LossKind::binary_crossentropy, .from_logits = true}, {1, -1, 1, 2},
              label_batch(4, {1, 1, 0, 1}, {}, 1), 1, 1, {.confusion = true});
  EXPECT_THAT(computed.sums.confusion, ElementsAre(0, 1, 1, 2));
  EXPECT_EQ(computed.sums.accuracy(), 0.5);
}

TEST(MetricSums, AddUpAndTravelAsNumbers) {
  MetricSums a{
      .loss = 1, .correct = 2, .samples = 3, .top_k_correct = 3, .confusion = {1, 0, 0, 2}};
  const MetricSums b{.loss = 0.5, .correct = 1, .samples = 1, .confusion = {0, 0, 1, 0}};
  MetricSums none;
  none += a;
  EXPECT_EQ(none.confusion, a.confusion);
  a += b;
  EXPECT_THAT(a.values(), ElementsAre(1.5, 3, 4, 3, 1, 0, 1, 2));
  EXPECT_EQ(MetricSums::from_values(a.values()).values(), a.values());
  EXPECT_THAT(
      [] {
        MetricSums::from_values(std::vector<double>{1, 2, 3, 4, 5, 6});
      },
      throws_error(ErrorCode::corrupt_data, HasSubstr("6 numbers")));
}

}  // namespace
}  // namespace headrace
