#include "headrace/pipeline/memory_budget.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / 1e6);
  return text;
}

}  // namespace

struct MemoryBudget::State {
  const std::size_t total;
  mutable std::mutex mutex;  // guards what follows, and the bytes of all parts
  std::size_t used = 0;
  std::vector<const Share::Part*> parts;

  explicit State(std::size_t bytes) : total(bytes) {}
};

struct MemoryBudget::Share::Part {
  const std::shared_ptr<State> state;
  const std::string name;
  std::size_t bytes = 0;

  Part(std::shared_ptr<State> budget, std::string part_name)
      : state(std::move(budget)), name(std::move(part_name)) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    const std::lock_guard lock(state->mutex);
    state->used -= bytes;
    state->parts.erase(std::remove(state->parts.begin(), state->parts.end(), this),
                       state->parts.end());
  }
};

MemoryBudget::Share::Share(Share&& other) noexcept = default;
MemoryBudget::Share& MemoryBudget::Share::operator=(Share&& other) noexcept = default;
MemoryBudget::Share::~Share() = default;

std::size_t MemoryBudget::Share::bytes() const {
  if (part_ == nullptr) return 0;
  const std::lock_guard lock(part_->state->mutex);
  return part_->bytes;
}

bool MemoryBudget::Share::try_grow(std::size_t bytes) {
  if (part_ == nullptr) return true;
  State& state = *part_->state;
  const std::lock_guard lock(state.mutex);
  if (bytes > state.total - state.used) return false;
  state.used += bytes;
  part_->bytes += bytes;
  return true;
}

void MemoryBudget::Share::shrink(std::size_t bytes) noexcept {
  if (part_ == nullptr) return;
  const std::lock_guard lock(part_->state->mutex);
  part_->state->used -= bytes;
  part_->bytes -= bytes;
}

MemoryBudget::MemoryBudget(std::size_t bytes) : state_(std::make_shared<State>(bytes)) {}

MemoryBudget::Share MemoryBudget::take(std::string name, std::size_t bytes, std::size_t spare) {
  Share share;
  share.part_ = std::make_shared<Share::Part>(state_, std::move(name));
  const std::lock_guard lock(state_->mutex);
  const std::size_t left = state_->total - state_->used;
  if (bytes > left || spare > left - bytes) {
    throw Error(ErrorCode::invalid_argument,
                "a memory budget of " + std::to_string(state_->total) + " bytes, of which " +
                    std::to_string(state_->used) + " are in use, is too small for " +
                    share.part_->name + ": " + std::to_string(state_->used + bytes + spare) +
                    " would do");
  }
  state_->parts.push_back(share.part_.get());
  state_->used += bytes;
  share.part_->bytes = bytes;
  return share;
}

std::size_t MemoryBudget::total() const { return state_->total; }

std::size_t MemoryBudget::left() const {
  const std::lock_guard lock(state_->mutex);
  return state_->total - state_->used;
}

std::string MemoryBudget::report() const {
  const std::lock_guard lock(state_->mutex);
  std::string text;
  for (const Share::Part* part : state_->parts) {
    text += (text.empty() ? "" : ", ") + part->name + " " + megabytes(part->bytes) + " MB";
  }
  return (text.empty() ? "nothing" : text) + ": " + megabytes(state_->used) + " of " +
         megabytes(state_->total) + " MB";
}

std::string to_megabytes(std::size_t bytes) { return megabytes(bytes) + " MB"; }

}  // namespace headrace
