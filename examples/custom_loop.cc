// A training loop of one's own, step by step, with a loss of one's own: the learning rate falls
// with every step, and the loop decides for itself when to stop.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "headrace/pipeline/array_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace {

// Huber's loss: half the square of a small error, and no more than the size of a large one.
double huber(const headrace::LossRows& rows) {
  const float* const right =
      &rows.batch->field("y").as<float>()[static_cast<std::size_t>(rows.first)];
  double loss = 0;
  for (std::size_t i = 0; i < rows.output.size(); ++i) {
    const float error = rows.output[i] - right[i], size = std::abs(error);
    loss += size < 1 ? 0.5F * error * error : size - 0.5F;
    // There is no gradient to write where the loss alone is asked for.
    if (!rows.gradient.empty()) rows.gradient[i] = std::clamp(error, -1.0F, 1.0F);
  }
  return loss;
}

}  // namespace

int main() {
  using namespace headrace;
  std::vector<float> x(600), y(600);
  Rng rng(/*seed=*/1, /*epoch=*/0);
  for (float& value : x) value = static_cast<float>(rng.uniform(-1, 1));
  std::transform(x.begin(), x.end(), y.begin(), [](float value) { return 3 * value - 1; });
  const std::vector<FieldArray> arrays{{"x", x, {1}}, {"y", y}};
  Loader loader(std::make_shared<ArraySequence>(arrays), {.batch_size = 60});

  ModelBuilder model;
  model.dense(model.input({1}, "x"), 1);
  auto backend = make_cpu_backend();
  Trainer trainer(model.build(),
                  {.batch_size = 60,
                   .replicas = 2,
                   .loss = {.kind = LossKind::own, .own = huber},
                   .optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9}},
                  *backend);
  double loss = 1;
  while (loss > 1e-4 && trainer.total_steps() < 1000) {
    const auto batch = loader.next();
    if (!batch) continue;  // an epoch has ended; the next one is on its way
    loss = trainer.train_step(*batch).mean_loss();
    trainer.set_learning_rate(trainer.learning_rate() * 0.995);
  }
  std::printf("loss %.5f after %d steps\n", loss, static_cast<int>(trainer.total_steps()));
  return loss <= 1e-4 ? 0 : 1;
}
