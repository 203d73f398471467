#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/train/reference/reference_model.h"
#include "headrace/train/shape.h"

namespace headrace {

enum class LabelForm { sparse, one_hot };

// A batch of those samples, images f32 or (`as_u8`) cut to bytes.
inline Batch make_test_batch(const reference::Samples& samples, const Shape& image,
                             LabelForm labels, bool as_u8 = false,
                             const std::string& label_name = "label",
                             const std::vector<float>& weights = {}) {
  const auto rows = static_cast<std::size_t>(samples.rows);
  const std::size_t elements = samples.inputs[0].size() / rows;
  const std::size_t classes = samples.targets.size() / rows;
  BatchSpec spec;
  spec.fields.push_back({"image", as_u8 ? ElementType::u8 : ElementType::f32, image.extents()});
  if (labels == LabelForm::sparse) {
    spec.fields.push_back({label_name, ElementType::i32, {}});
  } else {
    spec.fields.push_back({label_name, ElementType::f32, {static_cast<std::int64_t>(classes)}});
  }
  if (!weights.empty()) spec.fields.push_back({"weight", ElementType::f32, {}});
  SlotPool pool(spec, samples.rows, 1);
  auto slot = pool.try_take();
  const Rows to = slot->rows(samples.rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto number = static_cast<std::int64_t>(row);
    const double* pixels = &samples.inputs[0][row * elements];
    for (std::size_t i = 0; i < elements; ++i) {
      if (as_u8) {
        to.row_as<std::uint8_t>(0, number)[i] = static_cast<std::uint8_t>(pixels[i]);
      } else {
        to.row_as<float>(0, number)[i] = static_cast<float>(pixels[i]);
      }
    }
    const double* targets = &samples.targets[row * classes];
    if (labels == LabelForm::sparse) {
      *to.row_as<std::int32_t>(1, number) =
          static_cast<std::int32_t>(std::max_element(targets, targets + classes) - targets);
    } else {
      std::copy_n(targets, classes, to.row_as<float>(1, number));
    }
    if (!weights.empty()) *to.row_as<float>(2, number) = weights[row];
  }
  slot->describe(samples.rows, {0, 0}, {0, samples.rows});
  return pool.lease(std::move(slot));
}

}  // namespace headrace
