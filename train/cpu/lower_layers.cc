// Convolutions, dense and recurrent layers, pooling and functions of values.
#include <algorithm>

#include "headrace/train/cpu/activation_operation.h"
#include "headrace/train/cpu/conv_operation.h"
#include "headrace/train/cpu/dense_operation.h"
#include "headrace/train/cpu/lowering.h"
#include "headrace/train/cpu/lstm_operation.h"
#include "headrace/train/cpu/pad_operation.h"
#include "headrace/train/cpu/pool_operation.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/layers/zero_padding2d.h"

namespace headrace::cpu {
namespace {

using NodeId = Graph::NodeId;

bool is_disjoint(const Window& window) {
  return window.strides.height >= window.size.height && window.strides.width >= window.size.width;
}

// Whether a node's only reader is a pool that can do its relu's backward pass as well.
bool pooled(const Lowering& l, NodeId id) {
  const auto* pool = l.layer<MaxPooling2D>(l.only_reader(id));
  return pool != nullptr && is_disjoint(pool->window());
}

// Whether that is so of a dense layer.
bool multiplied(const Lowering& l, NodeId id) {
  return l.layer<Dense>(l.only_reader(id)) != nullptr;
}

void set_window(const Window& window, const Shape& input, ConvSpec& spec) {
  const auto high = window.along_height(input[0]);
  const auto wide = window.along_width(input[1]);
  spec.kernel_size = window.size;
  spec.strides = window.strides;
  spec.dilation = window.dilation;
  spec.before = {high.before, wide.before};
  spec.after = {high.after, wide.after};
}

// Whether the convolution that alone reads the padding does it.
bool is_folded(const Lowering& l, NodeId id) {
  const auto* padding = l.layer<ZeroPadding2D>(id);
  if (padding == nullptr) return false;
  const NodeId reader = l.only_reader(id);
  const auto* conv = l.layer<Conv2D>(reader);
  const auto* depthwise = l.layer<DepthwiseConv2D>(reader);
  if ((conv == nullptr && depthwise == nullptr) || l.node(reader).inputs[0] != id) return false;
  const Extent2 span = conv != nullptr ? conv->window().span() : depthwise->window().span();
  const auto& border = padding->border();
  return std::max(border.top, border.bottom) < span.height &&
         std::max(border.left, border.right) < span.width;
}

// What a convolution reads, past a padding that it does itself.
NodeId unpadded_input(Lowering& l, NodeId id, ConvSpec& spec) {
  const NodeId input = l.input(id);
  spec.input = l.input_shape(id);
  if (!is_folded(l, input)) return input;
  const auto& border = l.layer<ZeroPadding2D>(input)->border();
  spec.before = {spec.before.height + border.top, spec.before.width + border.left};
  spec.after = {spec.after.height + border.bottom, spec.after.width + border.right};
  spec.input = l.input_shape(input);
  return l.input(input);
}

// Whether oneDNN has no fast bf16 code for it.
bool is_slow(const Lowering& l, NodeId input, ConvSpec spec) {
  spec.x.type = spec.y.type = Type::bf16;
  if (l.needs_gradient(input)) spec.dx = View(0, Type::bf16);
  return ConvOperation::is_slow(spec);
}

// The batch normalisation that alone reads a convolution, if the convolution can do it: by moving
// statistics it is a factor and a summand for each filter.
NodeId folded_norm(const Lowering& l, NodeId id) {
  if (l.training()) return -1;
  const NodeId reader = l.only_reader(id);
  const bool is_norm = l.layer<BatchNormalization>(reader) != nullptr;
  return is_norm && l.node(reader).shape == l.node(id).shape ? reader : -1;
}

FoldedNorm norm_of(const Lowering& l, NodeId id) {
  const auto& layer = *l.layer<BatchNormalization>(id);
  const auto place = [&](std::size_t which) { return l.arena().place(l.node(id).layer, which); };
  FoldedNorm norm;
  norm.epsilon = layer.epsilon();
  norm.scale = layer.scale();
  norm.center = layer.center();
  if (norm.scale) norm.gamma = place(layer.gamma());
  if (norm.center) norm.beta = place(layer.beta());
  norm.moving_mean = place(layer.moving_mean());
  norm.moving_variance = place(layer.moving_variance());
  return norm;
}

void add_convolution(Lowering& l, NodeId id, ConvSpec spec) {
  const NodeId norm = folded_norm(l, id);
  if (norm >= 0) {
    spec.norm = norm_of(l, norm);
    l.skip(norm);
  }
  const NodeId made_by = norm >= 0 ? norm : id;
  const auto relu = l.fused_relu(made_by);
  const NodeId last = relu.value_or(made_by);
  const NodeId input = unpadded_input(l, id, spec);
  const bool to_pool = pooled(l, last);
  spec.output = l.node(id).shape;
  spec.training = l.training();
  spec.trains_bias = !l.is_normalized_away(id);
  Type type = l.type();
  if (type == Type::bf16 && is_slow(l, input, spec)) type = Type::f32;
  const Lowering::Read read = l.read_as(input, type);
  Lowering::Value& made = l.make_value(last, false, type);
  made.level = l.value(id).level;
  made.reader_does_relu_backward = relu.has_value() && (to_pool || multiplied(l, last));
  spec.relu = relu.has_value();
  spec.relu_backward = spec.relu && !made.reader_does_relu_backward;
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = made.value;
  spec.dy = l.whole_gradient(last);
  spec.kernel = l.arena().place(l.node(id).layer, 0);
  spec.bias = spec.use_bias ? l.arena().place(l.node(id).layer, 1) : 0;
  auto operation = std::make_unique<ConvOperation>(spec);
  if (to_pool && type == Type::f32) made.channel_block = operation->choose_channel_block(8);
  l.add(std::move(operation), id);
}

PoolSpec pool_spec(Lowering& l, NodeId id, const Window& window) {
  const NodeId input = l.input(id);
  const Lowering::Read read = l.read(input);
  PoolSpec spec;
  spec.window = window;
  spec.input = l.input_shape(id);
  const Shape& output = l.node(id).shape;
  spec.output = output.rank() == 3 ? output : Shape{1, 1, output[0]};
  spec.channel_block = l.value(input).channel_block;
  spec.x = read.x;
  spec.dx = read.dx;
  Lowering::Value& made = l.make_value(id, true, read.x.type);
  made.level = l.value(id).level;
  spec.y = made.value;
  if (made.gradients.size() == 1) {
    spec.dy = made.gradients[0];  // in whatever place
  } else {
    spec.dy = l.whole_gradient(id);
  }
  return spec;
}

void lower_max_pool(Lowering& l, NodeId id, const MaxPooling2D& layer) {
  const bool relu_backward = l.value(l.input(id)).reader_does_relu_backward;
  const PoolSpec spec = pool_spec(l, id, layer.window());
  const TensorId winners = l.add_tensor(spec.output, Type::u8).tensor;
  l.add(std::make_unique<MaxPoolOperation>(spec, winners, relu_backward), id);
}

void lower_average_pool(Lowering& l, NodeId id, const Window& window) {
  l.add(std::make_unique<AveragePoolOperation>(pool_spec(l, id, window)), id);
}

void lower_global_max(Lowering& l, NodeId id) {
  PoolSpec spec;
  spec.input = l.input_shape(id);
  spec.output = l.node(id).shape;
  const Lowering::Read read = l.read_as(l.input(id), Type::f32);
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = l.make_value(id, false, Type::f32).value;
  spec.dy = l.whole_gradient(id);
  const TensorId winners = l.add_tensor(spec.output, Type::f32).tensor;
  l.add(std::make_unique<GlobalMaxOperation>(spec, winners), id);
}

// The whole image as one window.
Window whole_image(const Shape& image) {
  Window window;
  window.size = window.strides = {image[0], image[1]};
  return window;
}

}  // namespace

bool lower_convolution(Lowering& l, NodeId id) {
  ConvSpec spec;
  if (const auto* conv = l.layer<Conv2D>(id)) {
    set_window(conv->window(), l.input_shape(id), spec);
    spec.groups = conv->groups();
    spec.use_bias = conv->use_bias();
  } else if (const auto* depthwise = l.layer<DepthwiseConv2D>(id)) {
    set_window(depthwise->window(), l.input_shape(id), spec);
    spec.groups = l.input_shape(id)[2];
    spec.use_bias = depthwise->use_bias();
  } else {
    return false;
  }
  add_convolution(l, id, spec);
  return true;
}

bool lower_dense(Lowering& l, NodeId id) {
  const auto* layer = l.layer<Dense>(id);
  if (layer == nullptr) return false;
  const auto relu = l.fused_relu(id);
  const NodeId last = relu.value_or(id);
  const Shape& input = l.input_shape(id);
  DenseSpec spec;
  spec.inputs = input[input.rank() - 1];
  spec.groups = input.elements() / spec.inputs;
  spec.units = layer->units();
  spec.use_bias = layer->use_bias();
  spec.trains_bias = !l.is_normalized_away(id);
  spec.from_relu = l.value(l.input(id)).reader_does_relu_backward;
  const Lowering::Read read = l.read_as(l.input(id), Type::f32);
  Lowering::Value& made = l.make_value(last, false, Type::f32);
  made.level = l.value(id).level;
  made.reader_does_relu_backward = relu.has_value() && multiplied(l, last);
  spec.relu = relu.has_value();
  spec.relu_backward = spec.relu && !made.reader_does_relu_backward;
  spec.writes_gradient = !l.is_shared(id);
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = made.value;
  spec.dy = l.whole_gradient(last);
  spec.kernel = l.arena().place(l.node(id).layer, 0);
  spec.bias = spec.use_bias ? l.arena().place(l.node(id).layer, 1) : 0;
  l.add(std::make_unique<DenseOperation>(spec), id);
  return true;
}

bool lower_lstm(Lowering& l, NodeId id) {
  const auto* layer = l.layer<LSTM>(id);
  if (layer == nullptr) return false;
  LstmSpec spec;
  spec.times = l.input_shape(id)[0];
  spec.features = l.input_shape(id)[1];
  spec.units = layer->units();
  spec.return_sequences = layer->return_sequences();
  spec.use_bias = layer->use_bias();
  const Lowering::Read read = l.read_as(l.input(id), Type::f32);
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = l.make_value(id, false, Type::f32).value;
  spec.dy = l.whole_gradient(id);
  spec.gates = l.add_tensor({spec.times, 4 * spec.units}, Type::f32);
  spec.cells = l.add_tensor({spec.times, spec.units}, Type::f32);
  spec.states = l.add_tensor({spec.times, spec.units}, Type::f32);
  spec.kernel = l.arena().place(l.node(id).layer, 0);
  spec.recurrent_kernel = l.arena().place(l.node(id).layer, 1);
  if (spec.use_bias) spec.bias = l.arena().place(l.node(id).layer, 2);
  l.add(std::make_unique<LstmOperation>(spec), id);
  return true;
}

bool lower_padding(Lowering& l, NodeId id) {
  const auto* layer = l.layer<ZeroPadding2D>(id);
  if (layer == nullptr) return false;
  if (is_folded(l, id)) {
    l.skip(id);
    return true;
  }
  PadOperation::Spec spec;
  spec.border = layer->border();
  spec.input = l.input_shape(id);
  spec.output = l.node(id).shape;
  const Lowering::Read read = l.read(l.input(id));
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = l.make_value(id, false, read.x.type).value;
  spec.dy = l.whole_gradient(id);
  l.add(std::make_unique<PadOperation>(spec), id);
  return true;
}

bool lower_pooling(Lowering& l, NodeId id) {
  if (const auto* max = l.layer<MaxPooling2D>(id)) {
    lower_max_pool(l, id, *max);
  } else if (const auto* average = l.layer<AveragePooling2D>(id)) {
    lower_average_pool(l, id, average->window());
  } else if (l.layer<GlobalAveragePooling2D>(id) != nullptr) {
    lower_average_pool(l, id, whole_image(l.input_shape(id)));
  } else if (l.layer<GlobalMaxPooling2D>(id) != nullptr) {
    lower_global_max(l, id);
  } else {
    return false;
  }
  return true;
}

bool lower_rowwise(Lowering& l, NodeId id) {
  const auto* dropout = l.layer<Dropout>(id);
  const auto* activation = l.layer<Activation>(id);
  if (dropout == nullptr && activation == nullptr) return false;
  const Shape& shape = l.node(id).shape;
  const bool is_relu = l.is(id, ActivationKind::relu);
  const NodeId input = l.input(id);
  RowwiseSpec spec;
  spec.elements = shape.elements();
  const Lowering::Read read = is_relu ? l.read(input) : l.read_as(input, Type::f32);
  spec.x = read.x;
  spec.dx = read.dx;
  Lowering::Value& made = l.make_value(id, false, read.x.type);
  spec.y = made.value;
  spec.dy = l.whole_gradient(id);
  std::unique_ptr<Operation> operation;
  if (dropout != nullptr) {
    const TensorId mask = l.add_tensor(shape, Type::f32).tensor;
    operation = std::make_unique<DropoutOperation>(spec, mask, l.origin(id), dropout->rate());
  } else if (is_relu) {
    made.reader_does_relu_backward = pooled(l, id) || multiplied(l, id);
    operation = std::make_unique<ReluOperation>(spec, !made.reader_does_relu_backward);
  } else if (activation->function() == ActivationKind::softmax) {
    operation = std::make_unique<SoftmaxOperation>(spec, shape[shape.rank() - 1]);
  } else {
    operation = std::make_unique<FunctionOperation>(spec, activation->function(),
                                                    activation->negative_slope());
  }
  l.add(std::move(operation), id);
  return true;
}

}  // namespace headrace::cpu
