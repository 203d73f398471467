#include "headrace/train/exchange_times.h"

#include <algorithm>

namespace headrace {

using Time = std::chrono::steady_clock::time_point;

namespace {

double seconds_between(Time begin, Time end) {
  return std::max(0.0, std::chrono::duration<double>(end - begin).count());
}

}  // namespace

ExchangeTimes operator+(const ExchangeTimes& a, const ExchangeTimes& b) {
  return {a.seconds + b.seconds, a.after_backward + b.after_backward};
}

ExchangeTimes operator-(const ExchangeTimes& a, const ExchangeTimes& b) {
  return {a.seconds - b.seconds, a.after_backward - b.after_backward};
}

ExchangeTimes exchange_times(std::span<const ExchangeInterval> intervals, Time backward_end) {
  ExchangeTimes times;
  if (intervals.empty()) return times;
  Time counted = intervals.front().begin;  // what comes before has been
  for (const ExchangeInterval& interval : intervals) {
    const Time begin = std::max(counted, interval.begin);
    if (interval.end <= begin) continue;
    times.seconds += seconds_between(begin, interval.end);
    times.after_backward += seconds_between(std::max(begin, backward_end), interval.end);
    counted = interval.end;
  }
  return times;
}

}  // namespace headrace
