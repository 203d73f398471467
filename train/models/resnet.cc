#include "headrace/train/models/resnet.h"

#include <array>
#include <string>

#include "headrace/train/model_builder.h"

namespace headrace {
namespace {

using Value = ModelBuilder::Value;

struct Block {
  std::string name;  // "layer1.0"
  std::int64_t width;
  std::int64_t strides;
  bool projects;  // the shortcut has a convolution, since the shapes differ
};

struct Kind {
  Value (*residual)(ModelBuilder& b, Value x, const Block& block);
  std::int64_t expansion;           // filters of a block's output for each of its width
  std::array<int, 4> stage_blocks;  // stages of 64, 128, 256, 512
};

// As large as `same` makes it, with as many zeros on both sides at any stride.
Value convolution(ModelBuilder& b, Value x, std::int64_t filters, std::int64_t size,
                  std::int64_t strides, const std::string& name) {
  const bool pads = size > 1 && strides > 1;
  if (pads) x = b.zero_padding2d(x, size / 2, name + ".pad");
  return b.conv2d(x, filters, size,
                  {.strides = strides,
                   .padding = pads ? Padding::valid : Padding::same,
                   .use_bias = false,
                   .kernel_initializer = Initializer::he_normal_fan_out,
                   .name = name});
}

Value normalize(ModelBuilder& b, Value x, const std::string& name) {
  return b.batch_normalization(x, {.momentum = 0.9, .epsilon = 1e-5, .name = name});
}

Value basic(ModelBuilder& b, Value x, const Block& block) {
  x = convolution(b, x, block.width, 3, block.strides, block.name + ".conv1");
  x = b.activation(normalize(b, x, block.name + ".bn1"), "relu", block.name + ".relu1");
  x = convolution(b, x, block.width, 3, 1, block.name + ".conv2");
  return normalize(b, x, block.name + ".bn2");
}

Value bottleneck(ModelBuilder& b, Value x, const Block& block) {
  x = convolution(b, x, block.width, 1, 1, block.name + ".conv1");
  x = b.activation(normalize(b, x, block.name + ".bn1"), "relu", block.name + ".relu1");
  x = convolution(b, x, block.width, 3, block.strides, block.name + ".conv2");
  x = b.activation(normalize(b, x, block.name + ".bn2"), "relu", block.name + ".relu2");
  x = convolution(b, x, 4 * block.width, 1, 1, block.name + ".conv3");
  return normalize(b, x, block.name + ".bn3");
}

Value shortcut(ModelBuilder& b, Value x, const Block& block, std::int64_t filters) {
  if (!block.projects) return x;
  x = convolution(b, x, filters, 1, block.strides, block.name + ".downsample.0");
  return normalize(b, x, block.name + ".downsample.1");
}

Graph resnet(const Shape& input, int classes, const Kind& kind) {
  ModelBuilder b;
  auto x = convolution(b, b.input(input), 64, 7, 2, "conv1");
  x = b.activation(normalize(b, x, "bn1"), "relu", "relu");
  // Zeros around what is never negative change no maximum.
  x = b.max_pooling2d(b.zero_padding2d(x, 1, "maxpool.pad"), 3, {.strides = 2, .name = "maxpool"});
  std::int64_t filters = 64;
  for (std::size_t stage = 0; stage < kind.stage_blocks.size(); ++stage) {
    for (int number = 0; number < kind.stage_blocks[stage]; ++number) {
      Block block;
      block.name = "layer" + std::to_string(stage + 1) + "." + std::to_string(number);
      block.width = std::int64_t{64} << stage;
      block.strides = stage > 0 && number == 0 ? 2 : 1;
      block.projects = block.strides > 1 || filters != kind.expansion * block.width;
      filters = kind.expansion * block.width;
      const Value residual = kind.residual(b, x, block);
      x = b.add(residual, shortcut(b, x, block, filters), block.name + ".add");
      x = b.activation(x, "relu", block.name + ".relu");
    }
  }
  x = b.global_average_pooling2d(x, "avgpool");
  return b.build(b.dense(x, classes, {.activation = "softmax", .name = "fc"}));
}

}  // namespace

Graph resnet18(const Shape& input, int classes) {
  return resnet(input, classes, {basic, 1, {2, 2, 2, 2}});
}

Graph resnet34(const Shape& input, int classes) {
  return resnet(input, classes, {basic, 1, {3, 4, 6, 3}});
}

Graph resnet50(const Shape& input, int classes) {
  return resnet(input, classes, {bottleneck, 4, {3, 4, 6, 3}});
}

}  // namespace headrace
