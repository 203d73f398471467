#pragma once

#include "headrace/train/backend.h"

namespace headrace::cli {

// How well devices that a model is placed on are kept busy by a step.
struct PipelineFigures {
  int devices = 1;
  double step_seconds = 0;  // forward and backward
  double bubble = 0;        // share of the devices' time in which they wait for each other
  // The same if all parts took the same time: (p - 1) / (m + p - 1), of p devices in a row and m
  // micro-batches (Huang et al., 2019, GPipe; 1F1B has the same).
  double bubble_in_theory = 0;
};

// By so many steps after one that does not count. The plan's parameters stay as they are.
PipelineFigures measure_pipeline(Plan& plan, const StepInput& input, int devices, int micro_batches,
                                 int steps);

}  // namespace headrace::cli
