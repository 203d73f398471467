// Many threads fill at once: a sequence whose fill() changes it is none.
#include "headrace/pipeline/sequence.h"

class Counting final : public headrace::Sequence {
 public:
  std::int64_t size() const override { return 100; }
  const headrace::BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t, const headrace::Rows& rows) override {
    for (std::int64_t row = 0; row < rows.count(); ++row) *rows.row_as<int>(0, row) = count_++;
  }

 private:
  headrace::BatchSpec spec_{{{"count", headrace::ElementType::i32, {}}}};
  int count_ = 0;
};
