#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headrace {

// What one epoch of training came to.
struct EpochRecord {
  std::uint64_t epoch = 0;  // counts from 0; printed and written from 1
  double loss = 0;
  double accuracy = 0;
  std::optional<double> val_loss;
  std::optional<double> val_accuracy;
  double learning_rate = 0;
  double seconds = 0;  // of training, validation left out
  double images_per_second = 0;
  std::optional<double> top_k_accuracy = {};  // where it is counted
  std::optional<double> val_top_k_accuracy = {};
};

using History = std::vector<EpochRecord>;

// Columns epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second and,
// if any epoch has them, top_k_accuracy,val_top_k_accuracy; a value that does not exist is an empty
// cell. Numbers read back to the same doubles.
std::string to_csv(const History& history);
// Throws Error{corrupt_data} naming the line.
History history_from_csv(const std::string& csv);

}  // namespace headrace
