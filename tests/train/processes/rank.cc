// One process of those that processes_test starts, by mpirun, or, with "gloo" before what it is to
// do, as launch_environment() says:
//
//   train REPLICAS WEIGHTS     a hundred steps; rank 0 writes the weights
//   fault HOW RANK MS          that rank fails in its fourth step

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/callback.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/process_group.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

constexpr int side = 12;
constexpr int classes = 10;

// Noise with a bright column whose place tells the class.
class Columns final : public Sequence {
 public:
  std::int64_t size() const override { return 90; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      Rng rng = Rng(1, epoch).for_sample(static_cast<std::uint64_t>(first + row));
      const auto label = static_cast<std::int32_t>(rng.below(classes));
      float* pixels = rows.row_as<float>(0, row);
      for (int i = 0; i < side * side; ++i) {
        pixels[i] = static_cast<float>(rng.uniform(-0.5, 0.5) + (i % side == label + 1 ? 0.5 : 0));
      }
      *rows.row_as<std::int32_t>(1, row) = label;
    }
  }

 private:
  BatchSpec spec_{{{"image", ElementType::f32, {side, side, 1}}, {"label", ElementType::i32, {}}}};
};

Graph model() {
  ModelBuilder builder;
  auto x = builder.conv2d(builder.input({side, side, 1}), 8, 3);
  x = builder.activation(builder.batch_normalization(x, {.synchronized = true}), "relu");
  x = builder.dense(builder.flatten(x), 128, {.activation = "relu"});  // more than one bucket
  builder.dense(builder.dropout(x, 0.25), classes, {.activation = "softmax"});
  return builder.build();
}

void fail(const std::string& how) {
  if (how == "throw") throw Error(ErrorCode::io, "the disk is full");
  if (how == "exit") std::_Exit(3);
  ::kill(::getpid(), how == "stop" ? SIGSTOP : SIGKILL);
}

// Fails in a certain step of a certain rank.
class Fault final : public Callback {
 public:
  explicit Fault(std::string how) : how_(std::move(how)) {}
  void on_step_end(Trainer&, const StepRecord& step) override {
    if (step.total_steps == 4) fail(how_);
  }

 private:
  std::string how_;
};

void write_weights(const Trainer& trainer, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const NamedTensor& tensor : trainer.parameters()) {
    file.write(reinterpret_cast<const char*>(tensor.values.data()),
               static_cast<std::streamsize>(tensor.values.size() * sizeof(float)));
  }
}

void run(ProcessGroup& group, const std::vector<std::string>& arguments) {
  TrainerOptions options;
  options.batch_size = 24;
  options.replicas = arguments[0] == "train" ? std::stoi(arguments[1]) : 1;
  options.threads = options.replicas;
  options.optimizer = Sgd{.learning_rate = 0.05, .momentum = 0.9};
  options.bucket_bytes = 64'000;
  if (arguments[0] == "fault")
    options.rank_timeout = std::chrono::milliseconds(std::stoi(arguments[3]));
  const auto backend = make_cpu_backend();
  Trainer trainer(model(), options, *backend,
                  [&](int replicas) { return group.make_communicators(replicas); });
  Loader data(std::make_shared<Columns>(),
              {.batch_size = 24,
               .threads = 1,
               .shard = {.rank = group.process(), .world_size = group.size()}});
  if (arguments[0] == "train") {
    trainer.fit(data, {.epochs = 25});
    if (group.process() == 0) write_weights(trainer, arguments[2]);
    return;
  }
  Fault fault(arguments[1]);
  FitOptions fitting{.epochs = 5};
  if (group.process() == std::stoi(arguments[2])) fitting.callbacks = {&fault};
  trainer.fit(data, fitting);
}

std::unique_ptr<ProcessGroup> join(std::vector<std::string>& arguments) {
  constexpr std::chrono::seconds deadline(60);
  if (arguments[0] != "gloo") return join_mpi(deadline);
  arguments.erase(arguments.begin());
  return join_gloo(launch_environment().value(), deadline);
}

int main_of(std::vector<std::string> arguments) {
  const auto group = join(arguments);
  try {
    run(*group, arguments);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "rank " + std::to_string(group->process()) + " says: " + error.what() + "\n"
              << std::flush;
    group->abort(error.what());
    return 1;
  }
}

}  // namespace
}  // namespace headrace

int main(int argc, char** argv) {
  return headrace::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
