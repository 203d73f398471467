#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {

// What script/fixtures/keras_training.py had Keras compute.
inline nlohmann::json keras_fixture() {
  nlohmann::json json;
  std::ifstream(fixtures_folder() + "/train/keras_training.json") >> json;
  return json;
}

// A batch that holds labels alone: indices, or, if they are empty, targets of `width` values.
inline Batch label_batch(std::int64_t rows, const std::vector<std::int32_t>& indices,
                         const std::vector<float>& targets, std::int64_t width) {
  BatchSpec spec;
  if (indices.empty()) {
    spec.fields.push_back({"label", ElementType::f32, {width}});
  } else {
    spec.fields.push_back({"label", ElementType::i32, {}});
  }
  SlotPool pool(spec, rows, 1);
  auto slot = pool.try_take();
  const Rows to = slot->rows(rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    if (indices.empty()) {
      std::copy_n(targets.begin() + row * width, width, to.row_as<float>(0, row));
    } else {
      *to.row_as<std::int32_t>(0, row) = indices[static_cast<std::size_t>(row)];
    }
  }
  slot->describe(rows, {0, 0}, {0, rows});
  return pool.lease(std::move(slot));
}

}  // namespace headrace
