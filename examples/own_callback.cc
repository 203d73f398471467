// A callback of one's own, beside those that there are: it says when an epoch was the best so far.

#include <cstdio>
#include <vector>

#include "headrace/pipeline/rng.h"
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
  // 300 samples of three noisy numbers; the class says which of them is larger by 0.9.
  std::vector<float> x(300 * 3);
  std::vector<std::int32_t> y(300);
  Rng rng(/*seed=*/1, /*epoch=*/0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i / 3] = static_cast<std::int32_t>(i / 3 % 3);
    x[i] = static_cast<float>(rng.uniform() + (i % 3 == i / 3 % 3 ? 0.9 : 0.0));
  }

  ModelBuilder model;
  model.dense(model.input({3}), 3, {.activation = "softmax"});
  auto backend = make_cpu_backend();
  Trainer trainer(model.build(), {.optimizer = Adam{.learning_rate = 0.03}}, *backend);
  BestSoFar best;
  EarlyStopping stopping({.monitor = Monitor::loss, .min_delta = 0.01, .patience = 2});
  trainer.fit(x, y, {.epochs = 50, .callbacks = {&best, &stopping}});
  return best.best < 0.5 ? 0 : 1;
}
