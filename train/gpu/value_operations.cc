#include "headrace/train/gpu/value_operations.h"

#include <algorithm>

namespace headrace::gpu {
namespace {

constexpr std::size_t at_once = 4;  // arrays that one kernel adds up or writes

std::vector<Array> arrays(const Pass& pass, const std::vector<View>& views) {
  std::vector<Array> found;
  for (const View& view : views) found.push_back(pass.array(view));
  return found;
}

// to = the sum of the parts.
void add_up(const Pass& pass, const Extent& extent, const std::vector<Array>& parts,
            const Array& to, bool relu) {
  std::size_t done = 0;
  while (done < parts.size()) {
    Array from[at_once];
    std::size_t filled = 0;
    if (done > 0) from[filled++] = to;
    while (filled < at_once && done < parts.size()) from[filled++] = parts[done++];
    const bool last = done == parts.size();
    run_lanes<Sum>(pass, pass.rows * extent.groups, extent.width,
                   {from[0], from[1], from[2], from[3], to}, [&](auto& kernel) {
                     std::copy(std::begin(from), std::end(from), kernel.from);
                     kernel.to = to;
                     kernel.relu = relu && last;
                   });
  }
}

}  // namespace

void CopyOperation::forward(const Pass& pass) const {
  if (!spec_.to) return;
  const Array from = pass.array(spec_.from), to = pass.array(spec_.to);
  run_lanes<Copy>(pass, pass.rows * spec_.extent.groups, spec_.extent.width, {from, to},
                  [&](auto& kernel) {
                    kernel.from = from;
                    kernel.to = to;
                  });
}

void CopyOperation::backward(const Pass& pass) const {
  if (!spec_.from_gradient) return;
  add_up(pass, spec_.extent, arrays(pass, spec_.to_gradients), pass.array(spec_.from_gradient),
         false);
}

void SumOperation::forward(const Pass& pass) const {
  add_up(pass, spec_.extent, arrays(pass, spec_.x), pass.array(spec_.y), spec_.relu);
}

void SumOperation::backward(const Pass& pass) const {
  const std::vector<Array> to = arrays(pass, spec_.dx);
  if (to.empty()) return;
  const Array y = spec_.relu ? pass.array(spec_.y) : Array{}, dy = pass.array(spec_.dy);
  for (std::size_t done = 0; done < to.size(); done += at_once) {
    Array dx[at_once];
    std::copy_n(to.begin() + static_cast<std::ptrdiff_t>(done), std::min(at_once, to.size() - done),
                dx);
    run_lanes<Spread>(pass, pass.rows * spec_.extent.groups, spec_.extent.width,
                      {y, dy, dx[0], dx[1], dx[2], dx[3]}, [&](auto& kernel) {
                        kernel.y = y;
                        kernel.dy = dy;
                        std::copy(std::begin(dx), std::end(dx), kernel.dx);
                      });
  }
}

WindowShape PoolOperation::window(const Pass& pass) const {
  WindowShape window = spec_.window;
  window.rows = pass.rows;
  return window;
}

void PoolOperation::forward(const Pass& pass) const {
  const auto run = [&](auto kernel) {
    kernel.shape = window(pass);
    kernel.channels = spec_.channels;
    kernel.x = pass.array(spec_.x);
    kernel.y = pass.array(spec_.y);
    if constexpr (std::is_same_v<decltype(kernel), MaxPool>) {
      if (pass.training) kernel.winners = pass.data<std::int32_t>(spec_.winners);
    }
    pass.engine.run(kernel);
  };
  if (spec_.largest) {
    run(MaxPool{});
  } else {
    run(AveragePool{});
  }
}

void PoolOperation::backward(const Pass& pass) const {
  if (!spec_.dx) return;
  const auto run = [&](auto kernel) {
    kernel.shape = window(pass);
    kernel.channels = spec_.channels;
    kernel.dy = pass.array(spec_.dy);
    kernel.dx = pass.array(spec_.dx);
    if constexpr (std::is_same_v<decltype(kernel), MaxPoolBackward>) {
      kernel.winners = pass.data<std::int32_t>(spec_.winners);
    }
    pass.engine.run(kernel);
  };
  if (spec_.largest) {
    run(MaxPoolBackward{});
  } else {
    run(AveragePoolBackward{});
  }
}

void BorderOperation::run(const Pass& pass, const View& inner, const View& outer,
                          bool outwards) const {
  Border border = spec_.border;
  border.rows = pass.rows;
  border.inner = pass.array(inner);
  border.outer = pass.array(outer);
  border.outwards = outwards;
  pass.engine.run(border);
}

void BorderOperation::forward(const Pass& pass) const { run(pass, spec_.x, spec_.y, true); }

void BorderOperation::backward(const Pass& pass) const {
  if (spec_.dx) run(pass, spec_.dx, spec_.dy, false);
}

void ActivationOperation::forward(const Pass& pass) const {
  const std::int64_t groups = pass.rows * spec_.extent.groups;
  if (spec_.kind == ActivationKind::softmax) {
    Softmax softmax;
    softmax.groups = groups;
    softmax.width = static_cast<std::uint32_t>(spec_.extent.width);
    softmax.x = pass.data(spec_.x);
    softmax.y = pass.data(spec_.y);
    pass.engine.run(softmax);
    return;
  }
  const Array x = pass.array(spec_.x), y = pass.array(spec_.y);
  run_lanes<Activate>(pass, groups, spec_.extent.width, {x, y}, [&](auto& kernel) {
    kernel.kind = spec_.kind;
    kernel.slope = spec_.slope;
    kernel.x = x;
    kernel.y = y;
  });
}

void ActivationOperation::backward(const Pass& pass) const {
  if (!spec_.dx) return;
  const std::int64_t groups = pass.rows * spec_.extent.groups;
  if (spec_.kind == ActivationKind::softmax) {
    SoftmaxBackward softmax;
    softmax.groups = groups;
    softmax.width = static_cast<std::uint32_t>(spec_.extent.width);
    softmax.y = pass.data(spec_.y);
    softmax.dy = pass.data(spec_.dy);
    softmax.dx = pass.data(spec_.dx);
    pass.engine.run(softmax);
    return;
  }
  const Array x = pass.array(spec_.x), y = pass.array(spec_.y);
  const Array dy = pass.array(spec_.dy), dx = pass.array(spec_.dx);
  run_lanes<ActivateBackward>(pass, groups, spec_.extent.width, {x, y, dy, dx}, [&](auto& kernel) {
    kernel.kind = spec_.kind;
    kernel.slope = spec_.slope;
    kernel.x = x;
    kernel.y = y;
    kernel.dy = dy;
    kernel.dx = dx;
  });
}

void DropoutOperation::run(const Pass& pass, const View& from, const View& to) const {
  Drop drop;
  drop.rows = pass.rows;
  drop.elements = static_cast<std::uint32_t>(spec_.elements);
  drop.node = static_cast<std::uint32_t>(spec_.node);
  drop.threshold = static_cast<std::uint64_t>(spec_.rate * 4294967296.0);
  drop.kept = static_cast<float>(1.0 / (1.0 - spec_.rate));
  drop.step = pass.step;
  drop.x = pass.data(from);
  drop.y = pass.data(to);
  pass.engine.run(drop);
}

// A plan for training drops nothing when it is asked to predict.
void DropoutOperation::forward(const Pass& pass) const {
  if (pass.training) return run(pass, spec_.x, spec_.y);
  Copy<1> copy;
  copy.pieces = {pass.rows, static_cast<std::uint32_t>(spec_.elements)};
  copy.from = pass.array(spec_.x);
  copy.to = pass.array(spec_.y);
  copy.from.stride = copy.to.stride = spec_.elements;
  pass.engine.run(copy);
}

void DropoutOperation::backward(const Pass& pass) const {
  if (spec_.dx) run(pass, spec_.dy, spec_.dx);
}

}  // namespace headrace::gpu
