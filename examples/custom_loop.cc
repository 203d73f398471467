// A training loop of one's own, step by step, with a loss of one's own: the learning rate falls
// with every step, and the loop decides for itself when to stop.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace {

// The hinge loss of several classes: each wrong output is to be 1 below the right one.
double hinge(const headrace::LossRows& rows) {
  const auto labels = rows.batch->field("label").as<std::int32_t>();
  double loss = 0;
  std::fill(rows.gradient.begin(), rows.gradient.end(), 0.0f);
  for (std::size_t i = 0; i < rows.output.size(); ++i) {
    const auto right =
        static_cast<std::size_t>(labels[static_cast<std::size_t>(rows.first) + i / 3]);
    const float above = 1 + rows.output[i] - rows.output[i / 3 * 3 + right];
    if (i % 3 == right || above <= 0) continue;
    loss += above;
    if (rows.gradient.empty()) continue;  // it is evaluated alone
    rows.gradient[i] += 1;
    rows.gradient[i / 3 * 3 + right] -= 1;
  }
  return loss;
}

}  // namespace

int main() {
  using namespace headrace;
  // 600 images of one colour; the class is the channel that is brightest.
  std::vector<std::uint8_t> x(600 * 4 * 4 * 3);
  std::vector<std::int32_t> y(600);
  for (std::size_t n = 0; n < y.size(); ++n) {
    y[n] = static_cast<std::int32_t>(n % 3);
    for (std::size_t p = 0; p < 16; ++p) x[(n * 16 + p) * 3 + n % 3] = 255;
  }
  auto data =
      std::make_shared<ArrayDataset>(ImageArrays{.shape = {4, 4, 3}, .u8_pixels = x, .labels = y});
  Recipe recipe({4, 4, 3});
  recipe.set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(data, nullptr, recipe.make_augmenter());
  Loader loader(images, {.batch_size = 60});

  ModelBuilder model;
  model.dense(model.flatten(model.input({4, 4, 3})), 3);
  auto backend = make_cpu_backend();
  Trainer trainer(model.build(),
                  {.batch_size = 60,
                   .replicas = 2,
                   .loss = {.kind = LossKind::own, .own = hinge},
                   .optimizer = Sgd{.learning_rate = 0.2, .momentum = 0.9}},
                  *backend);

  double loss = 1;
  while (loss > 0.02 && trainer.total_steps() < 1000) {
    const auto batch = loader.next();
    if (!batch) continue;  // an epoch has ended; the next one is on its way
    loss = trainer.train_step(*batch).mean_loss();
    trainer.set_learning_rate(trainer.learning_rate() * 0.995);
  }
  std::printf("loss %.4f after %d steps\n", loss, static_cast<int>(trainer.total_steps()));
  return loss <= 0.02 ? 0 : 1;
}
