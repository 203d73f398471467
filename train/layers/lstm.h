#pragma once

#include <cstdint>

#include "headrace/train/layer.h"

namespace headrace {

// A long short-term memory (Hochreiter and Schmidhuber 1997; forget gate Gers et al. 2000), from
// zero states, as Keras has it. At each time, with z = x kernel + h recurrent_kernel + bias cut
// into four parts of `units`, in the order of gates i, f, c, o:
//   c = sigmoid(f) c + sigmoid(i) tanh(c part);  h = sigmoid(o) tanh(c)
// Input {time, features}; output the last h {units}, or all of them {time, units} if
// `return_sequences`. Parameters kernel {features, 4 units}, recurrent_kernel {units, 4 units},
// bias {4 units}.
class LSTM : public Layer {
 public:
  // Throws Error{invalid_argument} unless there are 1 to 2^20 units.
  explicit LSTM(std::int64_t units, bool return_sequences = false, bool use_bias = true,
                bool unit_forget_bias = true,
                Initializer kernel_initializer = Initializer::glorot_uniform,
                Initializer recurrent_initializer = Initializer::orthogonal);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "LSTM"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  std::int64_t units() const { return units_; }
  bool return_sequences() const { return return_sequences_; }
  bool use_bias() const { return use_bias_; }

 private:
  std::int64_t units_;
  bool return_sequences_;
  bool use_bias_;
  bool unit_forget_bias_;  // the forget gate's bias begins at 1
  Initializer kernel_initializer_;
  Initializer recurrent_initializer_;
};

}  // namespace headrace
