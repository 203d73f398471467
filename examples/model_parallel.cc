// One LSTM for two sequences, placed on two devices, its outputs joined on a third. The gradient of
// its weights is the sum of both uses: training comes to the same as on one device.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace {
using namespace headrace;

// Pairs of noisy sequences, and whether the second is the first one again.
class Pairs final : public Sequence {
 public:
  std::int64_t size() const override { return 256; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      Rng rng = Rng(5, epoch).for_sample(static_cast<std::uint64_t>(first + row));
      const auto same = static_cast<std::int32_t>(rng.below(2));
      float *left = rows.row_as<float>(0, row), *right = rows.row_as<float>(1, row);
      for (int i = 0; i < 140 * 16; ++i) {
        left[i] = static_cast<float>(rng.normal());
        right[i] = same == 1 ? left[i] : static_cast<float>(rng.normal());
      }
      *rows.row_as<std::int32_t>(2, row) = same;
    }
  }

 private:
  BatchSpec spec_{{{"left", ElementType::f32, {140, 16}},
                   {"right", ElementType::f32, {140, 16}},
                   {"label", ElementType::i32, {}}}};
};

std::vector<NamedTensor> trained(bool on_three_devices) {
  ModelBuilder b;
  const auto left = b.input({140, 16}, "left"), right = b.input({140, 16}, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(64));
  const auto first = lstm(left);
  if (on_three_devices) b.device(1);
  const auto second = lstm(right);
  if (on_three_devices) b.device(2);
  b.dense(b.concatenate({first, second}), 2, {.activation = "softmax"});
  auto backend = make_cpu_backend();
  Trainer trainer(b.build(), {.optimizer = Sgd{.learning_rate = 0.05}}, *backend);
  Loader loader(std::make_shared<Pairs>(), {});
  trainer.fit(loader, {.epochs = 1});
  return trainer.parameters();
}

}  // namespace

int main() {
  const auto one = trained(false), three = trained(true);
  float difference = 0;
  for (std::size_t p = 0; p < one.size(); ++p)
    for (std::size_t i = 0; i < one[p].values.size(); ++i)
      difference = std::max(difference, std::abs(one[p].values[i] - three[p].values[i]));
  std::printf("largest difference of a weight: %g\n", static_cast<double>(difference));
  return difference <= 1e-6F ? 0 : 1;
}
