#pragma once

#include <vector>

#include "headrace/train/gpu/operation.h"
#include "headrace/train/layers/activation.h"

// Operations on values as they are, by kernels alone.
namespace headrace::gpu {

// Groups of values of a row.
struct Extent {
  std::int64_t groups = 0;
  std::int64_t width = 0;
};

// to = from; and from's gradient is the sum of to's.
class CopyOperation : public Operation {
 public:
  struct Spec {
    Extent extent;
    View from, to;       // none: only the gradients
    View from_gradient;  // none: not asked for
    std::vector<View> to_gradients;
  };
  explicit CopyOperation(Spec spec) : spec_(std::move(spec)) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  Spec spec_;
};

// y = the sum of x, with relu if asked for.
class SumOperation : public Operation {
 public:
  struct Spec {
    Extent extent;
    bool relu = false;
    std::vector<View> x, dx;  // dx: those that are asked for
    View y, dy;
  };
  explicit SumOperation(Spec spec) : spec_(std::move(spec)) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  Spec spec_;
};

class PoolOperation : public Operation {
 public:
  struct Spec {
    WindowShape window;  // rows unset
    std::uint32_t channels = 0;
    bool largest = false;  // and not the mean
    View x, dx, y, dy;     // dx none: not asked for
    View winners;          // of the largest: i32 of each output value
  };
  explicit PoolOperation(const Spec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  WindowShape window(const Pass& pass) const;

  Spec spec_;
};

// Images with zeros around them.
class BorderOperation : public Operation {
 public:
  struct Spec {
    Border border;  // its extents
    View x, dx, y, dy;
  };
  explicit BorderOperation(const Spec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  void run(const Pass& pass, const View& inner, const View& outer, bool outwards) const;

  Spec spec_;
};

// A function of each value, or softmax of each group (f32).
class ActivationOperation : public Operation {
 public:
  struct Spec {
    Extent extent;
    ActivationKind kind = ActivationKind::linear;
    float slope = 0;
    View x, dx, y, dy;
  };
  explicit ActivationOperation(const Spec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  Spec spec_;
};

class DropoutOperation : public Operation {
 public:
  struct Spec {
    std::int64_t elements = 0;  // of a row
    double rate = 0;
    std::int32_t node = 0;
    View x, dx, y, dy;  // f32
  };
  explicit DropoutOperation(const Spec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  void run(const Pass& pass, const View& from, const View& to) const;

  Spec spec_;
};

}  // namespace headrace::gpu
