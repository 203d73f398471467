#pragma once

#include <chrono>
#include <span>

namespace headrace {

// How long gradients were on their way between processes.
struct ExchangeTimes {
  double seconds = 0;         // in which some were
  double after_backward = 0;  // of these, when their rank had nothing left to compute meanwhile

  // The share that backward hid; 0 if nothing was exchanged.
  double hidden() const { return seconds > 0 ? 1 - after_backward / seconds : 0; }
};

ExchangeTimes operator+(const ExchangeTimes& a, const ExchangeTimes& b);
ExchangeTimes operator-(const ExchangeTimes& a, const ExchangeTimes& b);

// What was on its way from when to when.
struct ExchangeInterval {
  std::chrono::steady_clock::time_point begin;
  std::chrono::steady_clock::time_point end;
};

// The times of a step. `intervals` are in the order of their beginnings, and may overlap.
ExchangeTimes exchange_times(std::span<const ExchangeInterval> intervals,
                             std::chrono::steady_clock::time_point backward_end);

}  // namespace headrace
