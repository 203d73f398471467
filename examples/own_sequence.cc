// A Sequence of one's own: anything that can say what sample number i of an epoch is. Here, noise
// whose label is the quadrant that is brighter than the others.

#include <cstdio>
#include <memory>

#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"

namespace {

class BrightQuadrant final : public headrace::Sequence {
 public:
  std::int64_t size() const override { return 1000; }
  const headrace::BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override { return 16; }

  void fill(std::uint64_t epoch, std::int64_t first, const headrace::Rows& rows) const override {
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      // The stream of (seed, epoch, sample): the same sample at any thread count.
      auto rng = headrace::Rng(/*seed=*/7, epoch).for_sample(static_cast<std::uint64_t>(first + i));
      const auto label = static_cast<std::int32_t>(rng.below(4));
      for (int p = 0; p < 64; ++p) {
        const int quadrant = p / 32 * 2 + p % 8 / 4;
        rows.row_as<float>(0, i)[p] =
            static_cast<float>(rng.uniform() + (quadrant == label ? 0.5 : 0.0));
      }
      *rows.row_as<std::int32_t>(1, i) = label;
    }
  }

 private:
  headrace::BatchSpec spec_{{{"image", headrace::ElementType::f32, {8, 8, 1}},
                             {"label", headrace::ElementType::i32, {}}}};
};

std::uint64_t fingerprint_of_an_epoch(int threads) {
  headrace::Loader loader(std::make_shared<BrightQuadrant>(),
                          {.batch_size = 32, .threads = threads, .epochs = 1});
  headrace::Fingerprint all;
  while (auto batch = loader.next()) all.add(*batch);
  return all.value();
}

}  // namespace

int main() {
  const std::uint64_t one = fingerprint_of_an_epoch(1);
  const std::uint64_t four = fingerprint_of_an_epoch(4);
  std::printf("one thread %s, four threads %s\n", headrace::to_hex(one).c_str(),
              headrace::to_hex(four).c_str());
  return one == four ? 0 : 1;
}
