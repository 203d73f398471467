// fit(x, y), evaluate(x, y), predict(x): a model trained from arrays that are in memory already.

#include <cstdio>
#include <vector>

#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

int main() {
  using namespace headrace;
  // x: 2,000 grey images of 12 x 12 with a bar that stands (0) or lies (1); y: which.
  std::vector<float> x(2000 * 12 * 12);
  std::vector<std::int32_t> y(2000);
  Rng rng(/*seed=*/3, /*epoch=*/0);
  for (std::size_t n = 0; n < y.size(); ++n) {
    y[n] = static_cast<std::int32_t>(rng.below(2));
    const auto at = static_cast<std::size_t>(rng.below(12));
    for (std::size_t i = 0; i < 12; ++i) x[n * 144 + (y[n] == 0 ? i * 12 + at : at * 12 + i)] = 1;
  }

  ModelBuilder model;
  auto v = model.input({12, 12, 1});
  v = model.conv2d(v, 8, 3, {.activation = "relu"});
  v = model.max_pooling2d(v);
  v = model.flatten(v);
  model.dense(v, 2, {.activation = "softmax"});

  auto backend = make_cpu_backend();
  Trainer trainer(model.build(), {.batch_size = 50, .optimizer = Adam{.learning_rate = 0.01}},
                  *backend);
  trainer.fit(x, y, {.epochs = 3});
  const MetricSums sums = trainer.evaluate(x, y);
  const std::vector<float> probabilities = trainer.predict(x);
  std::printf("accuracy %.3f; the first bar lies with %.3f, and it %s\n", sums.accuracy(),
              static_cast<double>(probabilities[1]), y[0] == 1 ? "does" : "stands");
  return sums.accuracy() > 0.95 ? 0 : 1;
}
