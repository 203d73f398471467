// A callback of one's own, beside those that there are: it says when an epoch was the best so far.

#include <cstdio>
#include <memory>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/early_stopping.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace {

class BestSoFar final : public headrace::Callback {
 public:
  void on_epoch_end(headrace::Trainer&, const headrace::EpochRecord& epoch) override {
    if (epoch.loss >= best) return;
    best = epoch.loss;
    std::printf("epoch %d: loss %.4f, the best so far\n", static_cast<int>(epoch.epoch) + 1, best);
  }
  double best = 1e9;
};

}  // namespace

int main() {
  using namespace headrace;
  // 300 images of one colour; the class is the channel that is brightest.
  std::vector<std::uint8_t> x(300 * 4 * 4 * 3);
  std::vector<std::int32_t> y(300);
  for (std::size_t n = 0; n < y.size(); ++n) {
    y[n] = static_cast<std::int32_t>(n % 3);
    for (std::size_t p = 0; p < 16; ++p) x[(n * 16 + p) * 3 + n % 3] = 255;
  }
  auto data =
      std::make_shared<ArrayDataset>(ImageArrays{.shape = {4, 4, 3}, .u8_pixels = x, .labels = y});
  Recipe recipe({4, 4, 3});
  recipe.set("rescale", 1.0 / 255);
  Loader loader(std::make_shared<ImageSequence>(data, nullptr, recipe.make_augmenter()),
                {.batch_size = 30});

  ModelBuilder model;
  model.dense(model.flatten(model.input({4, 4, 3})), 3, {.activation = "softmax"});
  auto backend = make_cpu_backend();
  Trainer trainer(model.build(), {.batch_size = 30, .optimizer = Adam{.learning_rate = 0.01}},
                  *backend);
  BestSoFar best;
  EarlyStopping stopping({.monitor = Monitor::loss, .min_delta = 0.001, .patience = 2});
  trainer.fit(loader, {.epochs = 20, .callbacks = {&best, &stopping}});
  return best.best < 0.5 ? 0 : 1;
}
