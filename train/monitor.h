#pragma once

#include <cstdint>
#include <string_view>

#include "headrace/train/history.h"

namespace headrace {

// The value of an epoch that a callback looks at. Losses are better lower, accuracies higher.
enum class Monitor : std::uint8_t {
  loss,
  accuracy,
  val_loss,
  val_accuracy,
  top_k_accuracy,
  val_top_k_accuracy,
};

std::string_view to_string(Monitor monitor);
// Throws Error{invalid_argument} listing the names there are.
Monitor monitor_of(std::string_view name);

bool has_value(const EpochRecord& epoch, Monitor monitor);
// Throws Error{invalid_argument} saying what is missing if the epoch has no such value.
double value_of(const EpochRecord& epoch, Monitor monitor);
// Better by more than min_delta.
bool is_better(double value, double than, Monitor monitor, double min_delta = 0);

}  // namespace headrace
