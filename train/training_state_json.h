#pragma once

#include <string>

#include "headrace/train/checkpoint.h"

namespace headrace {

// A training's state as JSON, all but the optimizer's tensors. Numbers come back exactly.
std::string to_json(const TrainingState& state);
// Throws Error{corrupt_data} saying what is missing or wrong.
TrainingState training_state_from_json(const std::string& json);

std::string to_json(const Optimizer& optimizer);
std::string to_json(const Loss& loss);
Loss loss_from_json(const std::string& json);

}  // namespace headrace
