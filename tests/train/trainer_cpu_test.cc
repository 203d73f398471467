// The trainer with the CPU backend, on a real model.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "headrace/pipeline/rng.h"
#include "headrace/train/backend.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/mnist_cnn.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

constexpr int side = 28;
constexpr int classes = 10;

// Noise with a bright bar whose place tells the class.
class Bars final : public Sequence {
 public:
  explicit Bars(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      Rng rng = Rng(1, epoch).for_sample(static_cast<std::uint64_t>(first + row));
      const auto label = static_cast<std::int32_t>(rng.below(classes));
      float* pixels = rows.row_as<float>(0, row);
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
          const bool bar = x >= 2 * label + 3 && x < 2 * label + 6;
          *pixels++ = static_cast<float>(rng.uniform(-0.5, 0.5) + (bar ? 0.5 : 0.0));
        }
      }
      *rows.row_as<std::int32_t>(1, row) = label;
    }
  }

 private:
  std::int64_t size_;
  BatchSpec spec_{{{"image", ElementType::f32, {side, side, 1}}, {"label", ElementType::i32, {}}}};
};

TrainerOptions options_for(int replicas, std::int64_t batch_size, const Optimizer& optimizer) {
  TrainerOptions options;
  options.batch_size = batch_size;
  options.replicas = replicas;
  options.threads = replicas;
  options.optimizer = optimizer;
  options.seed = 3;
  return options;
}

std::vector<float> flat(const std::vector<NamedTensor>& tensors) {
  std::vector<float> values;
  for (const NamedTensor& tensor : tensors) {
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  }
  return values;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(a[i], 2);
  }
  return std::sqrt(difference / norm);
}

enum class Normalization { none, synchronized };

// A convolution with a bias, which normalisation takes away again.
Graph small_net(Normalization normalization) {
  ModelBuilder b;
  auto x = b.conv2d(b.input({side, side, 1}), 6, 5, {.strides = 2});
  if (normalization == Normalization::synchronized) {
    x = b.batch_normalization(x, {.synchronized = true});
  }
  x = b.conv2d(b.activation(x, "silu"), 8, 3, {.activation = "tanh"});
  x = b.dropout(b.flatten(b.average_pooling2d(x)), 0.25);
  b.dense(x, classes, {.activation = "softmax"});
  return b.build();
}

// After a hundred steps; every third batch has `fewer` rows, which no number of ranks divides.
std::vector<float> trained(const Graph& graph, const Optimizer& optimizer, int replicas,
                           std::int64_t fewer = 29) {
  const auto backend = make_cpu_backend();
  const Bars bars(32);
  Trainer trainer(graph, options_for(replicas, 32, optimizer), *backend);
  const auto initial = flat(trainer.parameters());
  for (std::uint64_t step = 0; step < 100; ++step) {
    trainer.train_step(make_batch(bars, step, 0, step % 3 == 0 ? fewer : 32));
  }
  const auto weights = flat(trainer.parameters());
  EXPECT_GT(relative_difference(initial, weights), 0.03) << name(optimizer);
  return weights;
}

class ReplicasOnTheCpu : public ::testing::TestWithParam<Optimizer> {};

TEST_P(ReplicasOnTheCpu, OneTwoAndFourGiveTheSameWeightsAfterAHundredSteps) {
  for (const auto normalization : {Normalization::none, Normalization::synchronized}) {
    const Graph graph = small_net(normalization);
    const auto one = trained(graph, GetParam(), 1);
    EXPECT_LE(relative_difference(one, trained(graph, GetParam(), 2)), 1e-5);
    EXPECT_LE(relative_difference(one, trained(graph, GetParam(), 4)), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ReplicasOnTheCpu,
                         ::testing::Values(Optimizer(Sgd{.learning_rate = 0.02, .momentum = 0.9}),
                                           Optimizer(RmsProp{}), Optimizer(Adam{})),
                         [](const auto& test) { return std::string(name(test.param)); });

// Rounding alone makes a difference of some 1e-7. Where two pixels tie for a maximum, or a value is
// a zero of relu, it may also decide otherwise, which makes a jump to 1e-6 or 1e-5: the more kinds
// of slices are compared, the more of them.
TEST(TrainerOnTheCpu, TwoReplicasGiveTheWeightsOfOneWhereRoundingDecidesBetweenPixels) {
  for (const Optimizer& optimizer : {Optimizer(Adam{}), Optimizer(Sgd{.momentum = 0.9})}) {
    const Graph graph = mnist_cnn({side, side, 1}, classes);
    const auto one = trained(graph, optimizer, 1, 32);
    EXPECT_LE(relative_difference(one, trained(graph, optimizer, 2, 32)), 1e-5) << name(optimizer);
  }
}

TEST(TrainerOnTheCpu, LearnsAndPredicts) {
  const auto backend = make_cpu_backend();
  Trainer trainer(mnist_cnn({side, side, 1}, classes), options_for(2, 32, Adam{}), *backend);
  Loader data(std::make_shared<Bars>(1'000), {.batch_size = 32, .threads = 1});
  Loader validation(std::make_shared<Bars>(100), {.batch_size = 50, .threads = 1});
  trainer.fit(data, {.epochs = 3, .validation = &validation});
  EXPECT_GT(trainer.history().back().val_accuracy, 0.9);

  const Batch batch = make_batch(Bars(20), 7, 0, 20);
  const auto labels = batch.field("label").as<std::int32_t>();
  const auto output = trainer.predict(batch);
  ASSERT_EQ(output.size(), 200u);
  int right = 0;
  for (std::size_t row = 0; row < 20; ++row) {
    const auto first = output.begin() + static_cast<std::ptrdiff_t>(row) * classes;
    right += std::max_element(first, first + classes) - first == labels[row] ? 1 : 0;
  }
  EXPECT_GE(right, 17);
}

// A model with dropout, so that its masks must be the same after a resume.
Graph small_graph() {
  ModelBuilder model;
  auto x = model.conv2d(model.input({side, side, 1}), 4, 5, {.strides = 3, .activation = "relu"});
  x = model.dropout(model.flatten(x), 0.3);
  model.dense(x, classes, {.activation = "softmax"});
  return model.build();
}

// Interrupts after a number of steps.
class Interrupter final : public Callback {
 public:
  explicit Interrupter(std::uint64_t steps) : steps_(steps) {}
  void on_step_end(Trainer&, const StepRecord& step) override {
    if (step.total_steps == steps_) stop = true;
  }
  std::atomic<bool> stop{false};

 private:
  std::uint64_t steps_;
};

TEST(TrainerOnTheCpu, AnInterruptedTrainingEndsInTheSameBits) {
  const auto backend = make_cpu_backend();
  const auto make_loader = [] {
    return Loader(std::make_shared<Bars>(100), {.batch_size = 16, .threads = 1});
  };
  for (const int replicas : {1, 2}) {
    const TrainerOptions options = options_for(replicas, 16, Adam{});
    Trainer whole(small_graph(), options, *backend);
    Loader whole_data = make_loader();
    whole.fit(whole_data, {.epochs = 2});
    for (const std::uint64_t steps : {3u, 7u, 12u}) {
      Trainer first(small_graph(), options, *backend);
      Loader first_data = make_loader();
      Interrupter interrupter(steps);
      first.fit(first_data, {.epochs = 2, .callbacks = {&interrupter}, .stop = &interrupter.stop});
      ASSERT_EQ(first.total_steps(), steps);

      Trainer second(small_graph(), options, *backend);
      second.set_parameters(first.parameters());
      second.restore(first.state());
      Loader second_data = make_loader();
      second.fit(second_data, {.epochs = 2});
      EXPECT_TRUE(flat(second.parameters()) == flat(whole.parameters()))
          << replicas << " replicas, " << steps << " steps";
      EXPECT_EQ(second.history().back().loss, whole.history().back().loss);
    }
  }
}

}  // namespace
}  // namespace headrace
