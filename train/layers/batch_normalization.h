#pragma once

#include <cstdint>

#include "headrace/train/layer.h"

namespace headrace {

// Batch normalisation over all axes but the last (Ioffe and Szegedy 2015), as Keras has it:
//   y = gamma (x - mean) / sqrt(variance + epsilon) + beta
// In training mean and variance (the biased one) are those of the replica's rows, or of all
// replicas' rows if `synchronized`; otherwise they are the moving ones. A step of training makes
//   moving = momentum moving + (1 - momentum) s
// of the mean s over replicas, weighted by their rows, of what each one used: so the moving
// statistics are the same on all replicas, and rank counts and empty shares do not matter to them.
// Input {..., channels}; parameters gamma, beta, moving_mean, moving_variance {channels}.
class BatchNormalization : public Layer {
 public:
  // Throws Error{invalid_argument} unless 0 <= momentum <= 1 and epsilon > 0.
  explicit BatchNormalization(double momentum = 0.99, double epsilon = 1e-3, bool center = true,
                              bool scale = true, bool synchronized = false,
                              Initializer gamma_initializer = Initializer::ones);
  static std::shared_ptr<const Layer> from(const Attributes& attributes);

  std::string_view kind() const override { return "BatchNormalization"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  Attributes attributes() const override;

  double momentum() const { return momentum_; }
  double epsilon() const { return epsilon_; }
  bool center() const { return center_; }  // has beta
  bool scale() const { return scale_; }    // has gamma
  bool synchronized() const { return synchronized_; }

  // Where each parameter is in parameters(); those of gamma and beta hold if there are such.
  std::size_t gamma() const { return 0; }
  std::size_t beta() const { return scale_ ? 1 : 0; }
  std::size_t moving_mean() const { return beta() + (center_ ? 1 : 0); }
  std::size_t moving_variance() const { return moving_mean() + 1; }

 private:
  double momentum_;
  double epsilon_;
  bool center_;
  bool scale_;
  bool synchronized_;
  Initializer gamma_initializer_;
};

}  // namespace headrace
