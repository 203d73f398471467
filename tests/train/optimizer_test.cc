#include "headrace/train/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../support/error_matcher.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/cpu/optimizer_step.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_optimizer.h"
#include "keras_fixture.h"

namespace headrace {
namespace {

using nlohmann::json;
using reference::Values;
using ::testing::HasSubstr;

TEST(Optimizer, IsMadeByItsNameWithKerasDefaults) {
  for (const std::string& text : optimizer_names()) EXPECT_EQ(name(make_optimizer(text)), text);
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("sgd")), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("adam")), 0.001);
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("rmsprop")), 0.001);
  EXPECT_DOUBLE_EQ(weight_decay(make_optimizer("adam")), 0);
  EXPECT_DOUBLE_EQ(weight_decay(make_optimizer("adamw")), 0.004);
}

TEST(Optimizer, AnUnknownNameListsTheKnownOnes) {
  EXPECT_THAT([] { make_optimizer("adagrad"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("known: sgd, adam, adamw, rms")));
}

TEST(Optimizer, WhatTheyShareCanBeChanged) {
  for (const std::string& text : optimizer_names()) {
    Optimizer optimizer = make_optimizer(text);
    set_learning_rate(optimizer, 0.25);
    set_weight_decay(optimizer, 0.5);
    update_options(optimizer).clipnorm = 2;
    EXPECT_DOUBLE_EQ(learning_rate(optimizer), 0.25);
    EXPECT_DOUBLE_EQ(weight_decay(optimizer), 0.5);
    EXPECT_DOUBLE_EQ(update_options(std::as_const(optimizer)).clipnorm, 2);
  }
}

TEST(Optimizer, KeepsAsManySlotsAsItsFormulaNeeds) {
  EXPECT_EQ(state_slots(Sgd{}), 0);
  EXPECT_EQ(state_slots(Sgd{.momentum = 0.9}), 1);
  EXPECT_EQ(state_slots(Adam{}), 2);
  EXPECT_EQ(state_slots(AdamW{}), 2);
  EXPECT_EQ(state_slots(RmsProp{}), 1);
  EXPECT_EQ(state_slots(RmsProp{.momentum = 0.9, .centered = true}), 3);
  EXPECT_EQ(state_slots(AdamW{.update = {.use_ema = true}}), 3);
}

TEST(Optimizer, WhatMakesNoSenseIsRefused) {
  const auto refused = [](const Optimizer& optimizer, const char* what) {
    EXPECT_THAT([&] { check(optimizer); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(what)));
  };
  refused(Sgd{.learning_rate = -1}, "sgd: a learning rate");
  refused(Sgd{.momentum = 1}, "momentum");
  refused(Sgd{.nesterov = true}, "needs a momentum");
  refused(Adam{.beta_1 = 1}, "betas");
  refused(AdamW{.epsilon = 0}, "adamw: its epsilon");
  refused(RmsProp{.rho = -0.1}, "rho");
  refused(Sgd{.update = {.clipvalue = 1, .clipnorm = 1}}, "not several");
  refused(Sgd{.update = {.use_ema = true, .ema_momentum = 1.5}}, "averages");
}

Optimizer optimizer_of(const json& run) {
  Optimizer optimizer = make_optimizer(run.at("name").get<std::string>());
  const json& given = run.at("options");
  const auto take = [&](const char* key, double& value) { value = given.value(key, value); };
  if (given.contains("learning_rate")) set_learning_rate(optimizer, given.at("learning_rate"));
  if (given.contains("weight_decay")) set_weight_decay(optimizer, given.at("weight_decay"));
  if (auto* sgd = std::get_if<Sgd>(&optimizer)) {
    take("momentum", sgd->momentum);
    sgd->nesterov = given.value("nesterov", false);
  } else if (auto* adam = std::get_if<Adam>(&optimizer)) {
    take("beta_1", adam->beta_1);
    take("beta_2", adam->beta_2);
    take("epsilon", adam->epsilon);
  } else if (auto* rms = std::get_if<RmsProp>(&optimizer)) {
    take("rho", rms->rho);
    take("momentum", rms->momentum);
    rms->centered = given.value("centered", false);
  }
  UpdateOptions& update = update_options(optimizer);
  take("clipvalue", update.clipvalue);
  take("clipnorm", update.clipnorm);
  take("global_clipnorm", update.global_clipnorm);
  take("ema_momentum", update.ema_momentum);
  update.use_ema = given.value("use_ema", false);
  update.ema_overwrite_frequency = given.value("ema_overwrite_frequency", std::uint64_t{0});
  update.exclude_from_weight_decay = run.at("exclude").get<std::vector<std::string>>();
  return optimizer;
}

void expect_near(const auto& actual, const json& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i].template get<double>(), 3e-6) << "element " << i;
  }
}

TEST(Optimizer, TheReferenceAgreesWithKeras) {
  const json fixture = keras_fixture().at("optimizers");
  for (const json& run : fixture.at("runs")) {
    SCOPED_TRACE(run.at("name").get<std::string>() + " " + run.at("options").dump());
    const Optimizer optimizer = optimizer_of(run);
    std::vector<std::string> names;
    std::vector<Values> weights;
    std::vector<std::vector<Values>> slots;
    for (const auto& [name, values] : fixture.at("initial").items()) {
      names.push_back(name);
      weights.push_back(values.get<Values>());
      slots.emplace_back(static_cast<std::size_t>(state_slots(optimizer)),
                         Values(weights.back().size(), 0.0));
    }
    int t = 0;
    for (const json& step : fixture.at("gradients")) {
      ++t;
      std::vector<Values> gradients;
      for (const std::string& name : names) gradients.push_back(step.at(name).get<Values>());
      reference::clip(update_options(optimizer), gradients);
      for (std::size_t p = 0; p < names.size(); ++p) {
        reference::update(optimizer, t, gradients[p], weights[p], slots[p], names[p]);
      }
    }
    for (std::size_t p = 0; p < names.size(); ++p) {
      expect_near(weights[p], run.at("weights").at(names[p]));
      if (run.contains("averages")) expect_near(slots[p].back(), run.at("averages").at(names[p]));
    }
  }
}

// Flat arenas for a graph, and an optimizer's step over them.
class Arenas {
 public:
  Arenas(const Graph& graph, const Optimizer& optimizer, int threads)
      : arena_(graph), step_(optimizer, graph, arena_), team_(threads) {
    rate_ = learning_rate(optimizer);
    parameters.resize(arena_.size());
    gradients.resize(arena_.size());
    slots.assign(static_cast<std::size_t>(state_slots(optimizer)),
                 std::vector<float>(arena_.size()));
  }
  void write(const std::string& name, const json& values, std::vector<float>& to) const {
    NamedTensor tensor{name, {}, values.get<std::vector<float>>()};
    for (std::size_t entry = 0; entry < arena_.entries(); ++entry) {
      if (arena_.name(entry) == name) arena_.write(tensor, entry, to.data());
    }
  }
  std::vector<NamedTensor> read(const std::vector<float>& from) const {
    return arena_.read(from.data());
  }
  void step(std::uint64_t t) {
    std::vector<float*> pointers;
    for (auto& slot : slots) pointers.push_back(slot.data());
    step_.run(rate_, t, gradients.data(), parameters.data(), pointers, team_);
  }

  std::vector<float> parameters, gradients;
  std::vector<std::vector<float>> slots;

 private:
  cpu::ParameterArena arena_;
  cpu::OptimizerStep step_;
  cpu::Team team_;
  double rate_;
};

TEST(Optimizer, TheCpuAgreesWithKeras) {
  ModelBuilder b;
  b.dense(b.dense(b.input({4}), 3), 2, {.use_bias = false});
  const json fixture = keras_fixture().at("optimizers");
  for (const json& run : fixture.at("runs")) {
    SCOPED_TRACE(run.at("name").get<std::string>() + " " + run.at("options").dump());
    Arenas arenas(b.build(), optimizer_of(run), 2);
    for (const auto& [name, values] : fixture.at("initial").items()) {
      arenas.write(name, values, arenas.parameters);
    }
    std::uint64_t t = 0;
    for (const json& step : fixture.at("gradients")) {
      for (const auto& [name, values] : step.items()) arenas.write(name, values, arenas.gradients);
      arenas.step(++t);
    }
    for (const NamedTensor& tensor : arenas.read(arenas.parameters)) {
      expect_near(tensor.values, run.at("weights").at(tensor.name));
    }
    if (!run.contains("averages")) continue;
    for (const NamedTensor& tensor : arenas.read(arenas.slots.back())) {
      expect_near(tensor.values, run.at("averages").at(tensor.name));
    }
  }
}

TEST(Optimizer, AnyNumberOfThreadsGivesTheSameBits) {
  ModelBuilder b;
  b.dense(b.dense(b.dense(b.input({301}), 211), 97), 5);
  for (const Optimizer& optimizer :
       {Optimizer(AdamW{.update = {.global_clipnorm = 0.5, .use_ema = true}}),
        Optimizer(Sgd{.momentum = 0.9, .update = {.clipnorm = 0.1}}),
        Optimizer(RmsProp{.momentum = 0.9, .centered = true})}) {
    std::vector<float> expected;
    for (const int threads : {1, 2, 3, 4}) {
      Arenas arenas(b.build(), optimizer, threads);
      Rng rng(1, 2);
      for (std::uint64_t t = 1; t <= 3; ++t) {
        for (float& value : arenas.gradients) value = static_cast<float>(rng.normal());
        arenas.step(t);
      }
      if (threads == 1) expected = arenas.parameters;
      EXPECT_EQ(arenas.parameters, expected) << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace headrace
