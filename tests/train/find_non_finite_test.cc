// Where values that are not finite come from, as trainings tell it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "../support/error_matcher.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/placement.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Linear all the way: 1 -> 1 -> 2 outputs, with weights of 0 and then of `second`.
class Line {
 public:
  explicit Line(float second, int replicas = 1, std::string_view placement = "", int threads = 0) {
    ModelBuilder b;
    auto x = b.dense(b.input({1}), 1, {.name = "first"});
    b.dense(x, 2, {.name = "second"});
    TrainerOptions options;
    options.replicas = replicas;
    options.threads = threads;
    options.loss.kind = LossKind::mean_squared_error;
    options.optimizer = Sgd{.learning_rate = 0.1};
    trainer_.emplace(place(b.build(), placement), options, *backend_);
    auto parameters = trainer_->parameters();
    for (NamedTensor& tensor : parameters) {
      for (float& value : tensor.values) value = tensor.name == "second/kernel" ? second : 0.0f;
    }
    trainer_->set_parameters(parameters);
  }
  // One step with targets of -1.
  void train(float x) {
    const std::vector<float> inputs(4, x), targets(8, -1.0f);
    trainer_->fit(inputs, targets, {.epochs = 1});
  }
  Trainer& trainer() { return *trainer_; }

 private:
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  std::optional<Trainer> trainer_;
};

// The outputs are 0; of the hidden value the gradient is a sum that overflows.
TEST(NonFinite, GradientsThatOverflowWhereForwardIsFiniteEndTheStepAndNameTheLayer) {
  for (const char* placement : {"", "second=cpu:1"}) {
    for (const auto& [replicas, threads] : {std::pair(1, 1), {1, 3}, {2, 2}, {2, 6}}) {
      Line line(3e38f, replicas, placement, threads);
      const auto before = line.trainer().parameters();
      EXPECT_THAT(
          [&] { line.train(1); },
          throws_error(ErrorCode::backend, AllOf(HasSubstr("gradients are not finite in step 1"),
                                                 HasSubstr("the gradients of layer first;"))));
      EXPECT_EQ(line.trainer().total_steps(), 0u);
      const auto after = line.trainer().parameters();
      for (std::size_t p = 0; p < before.size(); ++p) {
        EXPECT_EQ(after[p].values, before[p].values) << before[p].name;
      }
    }
  }
}

TEST(NonFinite, ALayerThatOverflowsForwardIsNamedBeforeAnyGradient) {
  Line line(3e38f);
  auto parameters = line.trainer().parameters();
  parameters[0].values[0] = 10;
  line.trainer().set_parameters(parameters);
  EXPECT_THAT([&] { line.train(1); },
              throws_error(ErrorCode::backend, AllOf(HasSubstr("the loss is inf in step 1"),
                                                     HasSubstr("the output of layer second"))));
}

TEST(NonFinite, DataThatAreNotFiniteAreNamedFirst) {
  Line line(1.0f);
  EXPECT_THAT([&] { line.train(std::numeric_limits<float>::quiet_NaN()); },
              throws_error(ErrorCode::backend, HasSubstr("field image, row 0")));
  line.train(1);
  EXPECT_EQ(line.trainer().total_steps(), 1u);
}

}  // namespace
}  // namespace headrace
