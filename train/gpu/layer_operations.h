#pragma once

#include "headrace/train/gpu/operation.h"

// Dense layers and LSTMs; all plain f32.
namespace headrace::gpu {

struct DenseSpec {
  std::int64_t groups = 0;  // of a row
  std::int64_t inputs = 0;
  std::int64_t units = 0;
  bool use_bias = true;
  bool relu = false;
  View x, dx, y, dy;                 // dx none: not asked for
  std::size_t kernel = 0, bias = 0;  // in the arena; the kernel as Keras has it
};

class DenseOperation : public Operation {
 public:
  explicit DenseOperation(const DenseSpec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  DenseSpec spec_;
};

struct LstmSpec {
  std::int64_t times = 0;
  std::int64_t features = 0;
  std::int64_t units = 0;
  bool return_sequences = false;
  bool use_bias = true;
  View x, dx;  // {times, features}; dx none: not asked for
  View y, dy;  // {units}, or {times, units}
  // Of all rows time by time: so a time is one matrix, and all of them are one too.
  View inputs;              // {times, features}, its gradients in backward
  View gates;               // {times, 4 units}
  View cells, states;       // {times, units}
  View slopes;              // {times, units}: of y, of sequences alone
  View later, cell_slopes;  // {units}
  std::size_t kernel = 0, recurrent_kernel = 0, bias = 0;
};

// Keras' LSTM by matrix products, of all times at once where one does not wait for another.
class LstmOperation : public Operation {
 public:
  explicit LstmOperation(const LstmSpec& spec) : spec_(spec) {}
  void forward(const Pass& pass) const override;
  void backward(const Pass& pass) const override;

 private:
  void backward_in_time(const Pass& pass) const;
  void add_gradients(const Pass& pass) const;

  LstmSpec spec_;
};

}  // namespace headrace::gpu
