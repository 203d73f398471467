#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "pictures.h"

namespace headrace::testing {

// Images in memory, of noise, each with its number as label.
class NoiseDataset final : public Dataset {
 public:
  NoiseDataset(ImageShape shape, int images) {
    info_.name = "noise";
    info_.fields = {
        {"image", FieldKind::pixels, ElementType::u8, {shape.height, shape.width, shape.channels}},
        {"label", FieldKind::class_label, ElementType::i32, {}}};
    for (int i = 0; i < images; ++i) images_.emplace_back(shape, static_cast<std::uint64_t>(i));
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(images_.size()); }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override {
    into.values.resize(2);
    into.values[0].pixels = images_[static_cast<std::size_t>(index)].view();
    into.values[1].set_scalar(static_cast<std::int32_t>(index));
  }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string key(std::int64_t index) const override { return std::to_string(index); }
  std::uint64_t fingerprint() const override { return 5; }

 private:
  DatasetInfo info_;
  std::vector<Noise> images_;
};

}  // namespace headrace::testing
