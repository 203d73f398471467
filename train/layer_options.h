#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/train/initializer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// What may be said of a layer in ModelBuilder, with Keras' names and defaults:
//   b.conv2d(x, 32, 3, {.strides = 2, .padding = Padding::same, .activation = "relu"})

struct Conv2DOptions {
  Extent2 strides = 1;
  Padding padding = Padding::valid;
  Extent2 dilation_rate = 1;
  std::int64_t groups = 1;
  std::string_view activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform;
  std::string name = {};
};

struct DepthwiseConv2DOptions {
  Extent2 strides = 1;
  Padding padding = Padding::valid;
  std::int64_t depth_multiplier = 1;
  Extent2 dilation_rate = 1;
  std::string_view activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = Initializer::glorot_uniform;
  std::string name = {};
};

struct Pooling2DOptions {
  Extent2 strides = 0;  // 0: as the pool size
  Padding padding = Padding::valid;
  std::string name = {};
};

struct DenseOptions {
  std::string_view activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform;
  std::string name = {};
};

struct BatchNormalizationOptions {
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  bool synchronized = false;  // statistics of all replicas' rows
  Initializer gamma_initializer = Initializer::ones;
  std::string name = {};
};

struct LSTMOptions {
  bool return_sequences = false;
  bool use_bias = true;
  bool unit_forget_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform;
  Initializer recurrent_initializer = Initializer::orthogonal;
  std::string name = {};
};

}  // namespace headrace
