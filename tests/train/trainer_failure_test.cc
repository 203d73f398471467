#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../support/error_matcher.h"
#include "fake_backend.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using fake::LinearBackend;
using fake::ToySequence;
using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;

TrainerOptions options_for(int replicas) {
  TrainerOptions options;
  options.batch_size = 12;
  options.replicas = replicas;
  options.threads = 1;
  options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
  return options;
}

Batch toy_batch(std::uint64_t epoch = 0) { return make_batch(ToySequence(100), epoch, 0, 12); }

std::vector<std::vector<float>> weights_of(const LinearBackend& backend) {
  std::vector<std::vector<float>> weights;
  for (const auto* plan : backend.plans) weights.push_back(plan->weights());
  return weights;
}

// Fails in the n-th call (from 0) of that kind on that replica.
fake::Hook failing_in(const std::string& call, int replica, int n) {
  return [=, left = std::make_shared<int>(n)](const std::string& now, int who) {
    if (now == call && who == replica && (*left)-- == 0) {
      throw Error(ErrorCode::backend, "the device has gone");
    }
  };
}

std::string who(int replica, int replicas) {
  return replicas == 1 ? "" : "replica " + std::to_string(replica) + ": ";
}

TEST(TrainerFailure, AReplicaThatCannotBeMadeIsAnError) {
  for (int replica = 0; replica < 3; ++replica) {
    LinearBackend backend({.hook = failing_in("compile", replica, 0)});
    EXPECT_THAT([&] { Trainer(fake::linear_graph(), options_for(3), backend); },
                throws_error(ErrorCode::backend, HasSubstr("the device has gone")));
  }
}

TEST(TrainerFailure, BeforeTheUpdateItLeavesTheTrainerAsItWas) {
  for (const int replicas : {1, 2, 3}) {
    for (int replica = 0; replica < replicas; ++replica) {
      LinearBackend backend({.hook = failing_in("forward_backward", replica, 2)});
      Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
      trainer.train_step(toy_batch(0));
      trainer.train_step(toy_batch(1));
      const auto before = weights_of(backend);
      EXPECT_THAT([&] { trainer.train_step(toy_batch(2)); },
                  throws_error(ErrorCode::backend,
                               HasSubstr(who(replica, replicas) + "the device has gone")));
      EXPECT_EQ(weights_of(backend), before);
      EXPECT_EQ(trainer.total_steps(), 2u);

      trainer.train_step(toy_batch(2));  // and it goes on as if nothing had happened
      LinearBackend sound_backend;
      Trainer sound(fake::linear_graph(), options_for(replicas), sound_backend);
      for (const std::uint64_t epoch : {0u, 1u, 2u}) sound.train_step(toy_batch(epoch));
      EXPECT_EQ(weights_of(backend), weights_of(sound_backend));
    }
  }
}

TEST(TrainerFailure, InTheUpdateItMakesTheTrainerUnusableUntilWeightsAndStateAreGivenAnew) {
  for (const int replicas : {1, 2, 3}) {
    for (int replica = 0; replica < replicas; ++replica) {
      LinearBackend backend({.hook = failing_in("update", replica, 1)});
      Trainer trainer(fake::linear_graph(), options_for(replicas), backend);
      trainer.train_step(toy_batch(0));
      const Checkpoint good = trainer.checkpoint();
      EXPECT_THAT([&] { trainer.train_step(toy_batch(1)); },
                  throws_error(ErrorCode::backend,
                               HasSubstr(who(replica, replicas) + "the device has gone")));

      const auto unusable = [](auto call) {
        EXPECT_THAT(call, throws_error(ErrorCode::invalid_argument,
                                       AnyOf(HasSubstr("differ"), HasSubstr("lost"))));
      };
      unusable([&] { trainer.train_step(toy_batch(1)); });
      unusable([&] { trainer.predict(toy_batch(1)); });
      unusable([&] { trainer.parameters(); });
      unusable([&] { trainer.state(); });
      trainer.set_parameters(good.parameters);
      unusable([&] { trainer.train_step(toy_batch(1)); });
      trainer.restore(*good.training);

      trainer.train_step(toy_batch(1));
      LinearBackend sound_backend;
      Trainer sound(fake::linear_graph(), options_for(replicas), sound_backend);
      sound.train_step(toy_batch(0));
      sound.train_step(toy_batch(1));
      EXPECT_EQ(weights_of(backend), weights_of(sound_backend));
    }
  }
}

TEST(TrainerFailure, InTheExchangeOfGradientsItNamesTheRank) {
  for (const char* method : {"start", "wait"}) {
    for (int call = 0; call < 4; ++call) {  // of the first two steps: vote, gradients, each
      for (int rank = 0; rank < 3; ++rank) {
        LinearBackend backend;
        bool failing = true;
        const auto communicators = [&](int replicas) {
          return std::exchange(failing, false)
                     ? fake::make_failing_communicators(replicas, rank, method, call)
                     : make_local_communicators(replicas);
        };
        Trainer trainer(fake::linear_graph(), options_for(3), backend, communicators);
        if (call >= 2) trainer.train_step(toy_batch(0));
        const auto before = weights_of(backend);
        try {
          trainer.train_step(toy_batch(1));
          ADD_FAILURE() << "nothing was thrown";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::backend);
          EXPECT_THAT(error.what(), HasSubstr("the link is down"));
        }
        // All replicas took the step, or none, or the trainer says that they differ.
        try {
          EXPECT_EQ(trainer.state().total_steps, call >= 2 ? 1u : 0u);
          EXPECT_EQ(weights_of(backend), before);
          trainer.train_step(toy_batch(1));
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("differ"));
        }
      }
    }
  }
}

TEST(TrainerFailure, AReplicaThatIsTooLateIsNamed) {
  LinearBackend backend;
  backend.settings.hook = [](const std::string& call, int replica) {
    if (call == "forward_backward" && replica == 1) {
      std::this_thread::sleep_for(milliseconds(200));
    }
  };
  auto options = options_for(3);
  options.rank_timeout = milliseconds(20);
  Trainer trainer(fake::linear_graph(), options, backend);
  const auto before = weights_of(backend);
  EXPECT_THAT([&] { trainer.train_step(toy_batch()); },
              throws_error(ErrorCode::backend, HasSubstr("rank 1 is missing")));
  EXPECT_EQ(weights_of(backend), before);
}

TEST(TrainerFailure, InEvaluatingAndPredictingItHarmsNothing) {
  for (const char* call : {"evaluate", "predict"}) {
    LinearBackend backend({.hook = failing_in(call, 1, 0)});
    Trainer trainer(fake::linear_graph(), options_for(2), backend);
    Loader data(std::make_shared<ToySequence>(50), {.batch_size = 12, .threads = 1});
    EXPECT_THAT(
        [&] {
          trainer.predict(toy_batch());
          trainer.evaluate(data);
        },
        throws_error(ErrorCode::backend, HasSubstr("replica 1: the device has gone")));
    EXPECT_EQ(trainer.evaluate(data).samples, 50);
    EXPECT_EQ(trainer.predict(toy_batch()).size(), 36u);
    trainer.train_step(toy_batch());
  }
}

TEST(TrainerFailure, ErrorsOfOtherKindsComeThroughWhole) {
  class OutOfPaper : public std::runtime_error {
   public:
    OutOfPaper() : std::runtime_error("out of paper") {}
  };
  for (const int replica : {0, 1}) {
    LinearBackend backend;
    backend.settings.hook = [&](const std::string& call, int now) {
      if (call == "forward_backward" && now == replica) throw OutOfPaper();
    };
    Trainer trainer(fake::linear_graph(), options_for(2), backend);
    EXPECT_THROW(trainer.train_step(toy_batch()), OutOfPaper);
  }
}

TEST(TrainerFailure, TooFewCommunicatorsAreRefused) {
  LinearBackend backend;
  const auto one = [](int) { return make_local_communicators(1); };
  EXPECT_THAT([&] { Trainer(fake::linear_graph(), options_for(2), backend, one); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("communicators")));
}

}  // namespace
}  // namespace headrace
