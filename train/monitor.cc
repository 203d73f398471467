#include "headrace/train/monitor.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::array<std::string_view, 6> names{
    "loss", "accuracy", "val_loss", "val_accuracy", "top_k_accuracy", "val_top_k_accuracy"};

std::optional<double> find(const EpochRecord& epoch, Monitor monitor) {
  switch (monitor) {
    case Monitor::loss: return epoch.loss;
    case Monitor::accuracy: return epoch.accuracy;
    case Monitor::val_loss: return epoch.val_loss;
    case Monitor::val_accuracy: return epoch.val_accuracy;
    case Monitor::top_k_accuracy: return epoch.top_k_accuracy;
    case Monitor::val_top_k_accuracy: return epoch.val_top_k_accuracy;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Monitor monitor) { return names[static_cast<std::size_t>(monitor)]; }

Monitor monitor_of(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<Monitor>(found - names.begin());
  std::string known;
  for (const std::string_view one : names) {
    if (!known.empty()) known += ", ";
    known += one;
  }
  throw Error(ErrorCode::invalid_argument,
              "there is no value '" + std::string(name) + "' of an epoch; known: " + known);
}

bool has_value(const EpochRecord& epoch, Monitor monitor) {
  return find(epoch, monitor).has_value();
}

double value_of(const EpochRecord& epoch, Monitor monitor) {
  if (const auto value = find(epoch, monitor)) return *value;
  throw Error(ErrorCode::invalid_argument,
              "the epoch has no " + std::string(to_string(monitor)) +
                  ": give validation data, count what is asked for, or choose another value");
}

bool is_better(double value, double than, Monitor monitor, double min_delta) {
  const bool lower = monitor == Monitor::loss || monitor == Monitor::val_loss;
  return lower ? value + min_delta < than : value - min_delta > than;
}

}  // namespace headrace
