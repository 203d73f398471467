#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "headrace/train/cpu/lowering.h"

namespace headrace::cpu {
namespace {

// A block's activations should stay in one core's cache, but be large against the parameters, whose
// gradients are passed over once a block.
constexpr std::size_t cache_bytes = std::size_t{1} << 20;
constexpr std::size_t least_rounds = 4;

bool contains(const std::vector<TensorId>& tensors, TensorId tensor) {
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

// A number near `wanted` that divides `all`: a rest would need primitives of its own.
std::int64_t even_part(std::int64_t wanted, std::int64_t all) {
  for (std::int64_t apart = 0; apart <= std::max<std::int64_t>(wanted / 4, 1); ++apart) {
    if (all % (wanted + apart) == 0) return wanted + apart;
    if (wanted > apart && all % (wanted - apart) == 0) return wanted - apart;
  }
  for (std::int64_t part = wanted; part > wanted / 2; --part) {
    if (all % part == 0) return part;
  }
  return wanted;
}

class SegmentPlanner {
 public:
  SegmentPlanner(std::vector<Placed> placed, const ParameterArena& arena, std::int64_t slice_rows,
                 bool training, Program& program)
      : placed_(std::move(placed)),
        arena_(arena),
        slice_rows_(slice_rows),
        training_(training),
        program_(program) {}

  void run() {
    sink();
    number_levels();
    make_lists();
    choose_recomputed();
    find_lives();
    place_kept();
    for (int s = 0; s <= last_; ++s) place_locals(s);
    find_final_gradients();
  }

 private:
  // Where a tensor is used: from run to run (a pass over one segment; the last segment's two are
  // one run), and in each segment from time to time.
  struct Life {
    int first_run = -1, last_run = -1;
    int first_segment = -1, last_segment = -1;
    int first_time = -1, last_time = -1;  // if it has one segment
    bool is_recomputed = false;

    bool is_local() const {
      return first_segment == last_segment && (first_run == last_run || is_recomputed);
    }
  };

  void sink();
  void number_levels();
  void make_lists();
  void choose_recomputed();
  void find_lives();
  void use(TensorId tensor, int segment, bool backward, int time);
  void place_kept();
  void place_locals(int segment);
  void find_final_gradients();
  Segment& segment(int number) { return program_.segments[static_cast<std::size_t>(number)]; }
  std::vector<Lifetime> locals_of(int segment, std::int64_t rows) const;

  std::vector<Placed> placed_;
  const ParameterArena& arena_;
  std::int64_t slice_rows_;
  bool training_;
  Program& program_;
  int last_ = 0;
  std::vector<Life> lives_;
  std::set<TensorId> recomputed_;
};

// What is cheap to make and small to make it from goes to the segment that reads it.
void SegmentPlanner::sink() {
  for (auto one = placed_.rbegin(); one != placed_.rend(); ++one) {
    if (!one->sinks) continue;
    const auto results = one->operation->results();
    int least = -1;
    for (const Placed& other : placed_) {
      const auto written = other.operation->results();
      for (TensorId read : other.operation->forward_tensors()) {
        if (contains(written, read) || !contains(results, read)) continue;
        const int level = other.is_end ? one->level : other.level;
        least = least < 0 ? level : std::min(least, level);
      }
    }
    one->level = std::max(one->level, least);
  }
}

void SegmentPlanner::number_levels() {
  std::map<int, int> numbers;
  for (const Placed& one : placed_) numbers[one.level] = 0;
  int next = 0;
  for (auto& [level, number] : numbers) number = next++;
  for (Placed& one : placed_) one.level = numbers[one.level];
  std::stable_sort(placed_.begin(), placed_.end(),
                   [](const Placed& a, const Placed& b) { return a.level < b.level; });
  program_.segments.resize(std::max<std::size_t>(numbers.size(), 1));
  last_ = static_cast<int>(program_.segments.size()) - 1;
}

void SegmentPlanner::make_lists() {
  for (const Placed& one : placed_) {
    Segment& at = segment(one.level);
    at.forward.push_back(one.operation);
    if (one.has_backward) at.backward.push_back(one.operation);
    if (one.after_forward != nullptr) at.after_forward.push_back(one.after_forward);
    if (one.after_backward != nullptr) at.after_backward.push_back(one.after_backward);
  }
  for (Segment& each : program_.segments) std::reverse(each.backward.begin(), each.backward.end());
}

// A tensor is made anew for the backward pass of the only segment that uses it, if all that write
// it can be called once more.
void SegmentPlanner::choose_recomputed() {
  if (!training_) return;
  std::map<TensorId, std::set<int>> segments;
  std::set<TensorId> refused{no_tensor};
  for (const Placed& one : placed_) {
    for (TensorId tensor : one.operation->forward_tensors()) segments[tensor].insert(one.level);
    for (TensorId tensor : one.operation->backward_tensors()) segments[tensor].insert(one.level);
    if (one.operation->is_recomputable() && one.level < last_) continue;
    for (TensorId tensor : one.operation->results()) refused.insert(tensor);
  }
  for (const auto& [tensor, where] : segments) {
    if (where.size() > 1) refused.insert(tensor);
  }
  for (std::size_t before = refused.size() + 1; before != refused.size();) {
    before = refused.size();
    for (const Placed& one : placed_) {
      const auto results = one.operation->results();
      const bool any = std::any_of(results.begin(), results.end(),
                                   [&](TensorId tensor) { return refused.count(tensor) > 0; });
      if (any) refused.insert(results.begin(), results.end());
    }
  }
  for (int s = 0; s < last_; ++s) {
    std::set<TensorId> needed;
    for (const Operation* operation : segment(s).backward) {
      for (TensorId tensor : operation->backward_tensors()) needed.insert(tensor);
    }
    auto& forward = segment(s).forward;
    for (auto one = forward.rbegin(); one != forward.rend(); ++one) {
      const auto results = (*one)->results();
      const bool wanted = std::any_of(results.begin(), results.end(), [&](TensorId tensor) {
        return needed.count(tensor) > 0 && refused.count(tensor) == 0;
      });
      if (!wanted) continue;
      recomputed_.insert(results.begin(), results.end());
      for (TensorId tensor : (*one)->forward_tensors()) needed.insert(tensor);
      segment(s).recompute.push_back(*one);
    }
    std::reverse(segment(s).recompute.begin(), segment(s).recompute.end());
  }
}

void SegmentPlanner::use(TensorId tensor, int segment, bool backward, int time) {
  if (tensor == no_tensor) return;
  Life& life = lives_[static_cast<std::size_t>(tensor)];
  const int run = backward ? 2 * last_ - segment : segment;
  const auto widen = [](int& first, int& last, int value) {
    first = first < 0 ? value : std::min(first, value);
    last = std::max(last, value);
  };
  widen(life.first_run, life.last_run, run);
  widen(life.first_segment, life.last_segment, segment);
  widen(life.first_time, life.last_time, time);
  auto& kept = this->segment(segment).kept;
  if (!contains(kept, tensor)) kept.push_back(tensor);
}

void SegmentPlanner::find_lives() {
  lives_.resize(program_.tensors.size());
  for (TensorId tensor : recomputed_) lives_[static_cast<std::size_t>(tensor)].is_recomputed = true;
  for (int s = 0; s <= last_; ++s) {
    int time = 0;
    for (const Operation* operation : segment(s).forward) {
      for (TensorId tensor : operation->forward_tensors()) use(tensor, s, false, time);
      ++time;
    }
    if (s == last_) {
      use(program_.logits.tensor, s, false, time);
      use(program_.logits_gradient.tensor, s, false, time);
    }
    for (const Operation* operation : segment(s).recompute) {
      ++time;
      for (TensorId tensor : operation->forward_tensors()) use(tensor, s, true, time);
    }
    for (const Operation* operation : segment(s).backward) {
      ++time;
      for (TensorId tensor : operation->backward_tensors()) use(tensor, s, true, time);
    }
  }
}

void SegmentPlanner::place_kept() {
  std::vector<Lifetime> lifetimes;
  std::vector<TensorId> tensors;
  for (std::size_t id = 0; id < lives_.size(); ++id) {
    const auto tensor = static_cast<TensorId>(id);
    const Life& life = lives_[id];
    if (program_.tensors.is_external(tensor) || life.first_run < 0 || life.is_local()) continue;
    const auto rows = static_cast<std::size_t>(slice_rows_);
    tensors.push_back(tensor);
    lifetimes.push_back({program_.tensors.row_bytes(tensor) * rows, life.first_run, life.last_run});
  }
  program_.kept_bytes = place(lifetimes);
  program_.kept_offsets.resize(program_.tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    program_.kept_offsets[static_cast<std::size_t>(tensors[i])] = lifetimes[i].offset;
  }
}

std::vector<Lifetime> SegmentPlanner::locals_of(int number, std::int64_t rows) const {
  std::vector<Lifetime> lifetimes;
  for (const auto& local : program_.segments[static_cast<std::size_t>(number)].locals) {
    const Life& life = lives_[static_cast<std::size_t>(local.tensor)];
    lifetimes.push_back({program_.tensors.row_bytes(local.tensor) * static_cast<std::size_t>(rows),
                         life.first_time, life.last_time});
  }
  return lifetimes;
}

void SegmentPlanner::place_locals(int number) {
  Segment& at = segment(number);
  std::size_t row_bytes = 0;
  for (TensorId tensor : std::exchange(at.kept, {})) {
    if (program_.tensors.is_external(tensor)) {
      at.externals.push_back(tensor);
    } else if (lives_[static_cast<std::size_t>(tensor)].is_local()) {
      at.locals.push_back({tensor, 0});
    } else {
      at.kept.push_back(tensor);
      row_bytes += program_.tensors.row_bytes(tensor) / 2;
    }
  }
  auto lifetimes = locals_of(number, 1);
  row_bytes += place(lifetimes);

  std::set<Graph::LayerId> layers;
  for (const Placed& one : placed_) {
    if (one.level == number && one.layer >= 0) layers.insert(one.layer);
  }
  std::size_t parameters = 0;
  for (Graph::LayerId layer : layers) parameters += arena_.end(layer) - arena_.end(layer + 1);
  const std::size_t wanted = std::max(cache_bytes, least_rounds * parameters * sizeof(float));
  auto rows = static_cast<std::int64_t>(wanted / std::max<std::size_t>(row_bytes, 1));
  for (const Operation* operation : at.forward) rows = std::max(rows, operation->least_rows());
  at.block_rows = even_part(std::clamp<std::int64_t>(rows, 1, slice_rows_), slice_rows_);
  lifetimes = locals_of(number, at.block_rows);
  at.block_bytes = place(lifetimes);
  for (std::size_t i = 0; i < lifetimes.size(); ++i) at.locals[i].offset = lifetimes[i].offset;
}

// The arena begins with the last layer. Gradients of a layer are final when the first segment that
// uses it has gone backward.
void SegmentPlanner::find_final_gradients() {
  std::map<Graph::LayerId, int> final_in;
  for (const Placed& one : placed_) {
    if (!one.has_backward || one.layer < 0) continue;
    const auto known = final_in.find(one.layer);
    if (known == final_in.end() || known->second > one.level) final_in[one.layer] = one.level;
  }
  Graph::LayerId layer = arena_.layers() - 1;
  for (int s = last_; s >= 0; --s) {
    while (layer >= 0) {
      const auto known = final_in.find(layer);
      if (known != final_in.end() && known->second < s) break;
      --layer;
    }
    segment(s).final_gradients = arena_.end(layer + 1);
  }
  segment(0).final_gradients = arena_.size();
}

}  // namespace

void plan_segments(const std::vector<Placed>& placed, const ParameterArena& arena,
                   std::int64_t slice_rows, bool training, Program& program) {
  SegmentPlanner(placed, arena, slice_rows, training, program).run();
}

}  // namespace headrace::cpu
