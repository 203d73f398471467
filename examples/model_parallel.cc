// One LSTM for two sequences, placed on two devices, its outputs joined on a third. The gradient of
// its weights is the sum of both uses: training comes to the same as on one device.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "headrace/pipeline/array_sequence.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/placement.h"
#include "headrace/train/trainer.h"

namespace {
using namespace headrace;

Graph model() {
  ModelBuilder b;
  const auto left = b.input({140, 256}, "left"), right = b.input({140, 256}, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(64));
  b.device("cpu:0");
  const auto first = lstm(left);
  b.device("cpu:1");
  const auto second = lstm(right);
  b.device("cpu:2");
  b.dense(b.concatenate({first, second}), 1, {.activation = "sigmoid"});
  return b.build();
}

}  // namespace

int main() {
  // Pairs of noisy sequences, and whether the second is the first one again.
  std::vector<float> left(64 * 140 * 256), right(left.size()), same(64);
  Rng rng(/*seed=*/5, /*epoch=*/0);
  for (float& answer : same) answer = static_cast<float>(rng.below(2));
  for (std::size_t i = 0; i < left.size(); ++i) {
    left[i] = static_cast<float>(rng.normal());
    right[i] = same[i / (140 * 256)] == 1 ? left[i] : static_cast<float>(rng.normal());
  }
  const auto pairs = std::make_shared<ArraySequence>(std::vector<FieldArray>{
      {"left", left, {140, 256}}, {"right", right, {140, 256}}, {"label", same}});

  const auto trained = [&](const Graph& graph) {
    auto backend = make_cpu_backend();
    Trainer trainer(graph, {.loss = {.kind = LossKind::binary_crossentropy}, .optimizer = Sgd{}},
                    *backend);
    trainer.fit(pairs, {.epochs = 2});
    return trainer.parameters();
  };
  const auto one = trained(without_placement(model())), three = trained(model());
  float difference = 0;
  for (std::size_t p = 0; p < one.size(); ++p)
    for (std::size_t i = 0; i < one[p].values.size(); ++i)
      difference = std::max(difference, std::abs(one[p].values[i] - three[p].values[i]));
  std::printf("largest difference of a weight: %g\n", static_cast<double>(difference));
  return difference <= 1e-6F ? 0 : 1;
}
