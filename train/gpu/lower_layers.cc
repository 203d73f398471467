// Convolutions, dense and recurrent layers, pooling and functions of values.
#include <algorithm>

#include "headrace/train/gpu/convolution_operation.h"
#include "headrace/train/gpu/layer_operations.h"
#include "headrace/train/gpu/lowering.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/layers/zero_padding2d.h"

namespace headrace::gpu {
namespace {

using NodeId = Graph::NodeId;

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

// Elements around an image.
struct Around {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
  bool is_even() const { return top == bottom && left == right; }
};

WindowShape window_shape(const Window& window, const Shape& input, const Shape& output) {
  WindowShape shape;
  shape.height = narrow(input[0]);
  shape.width = narrow(input[1]);
  shape.out_height = narrow(output[0]);
  shape.out_width = narrow(output[1]);
  shape.size_y = narrow(window.size.height);
  shape.size_x = narrow(window.size.width);
  shape.stride_y = narrow(window.strides.height);
  shape.stride_x = narrow(window.strides.width);
  shape.dilation_y = narrow(window.dilation.height);
  shape.dilation_x = narrow(window.dilation.width);
  shape.before_y = narrow(window.along_height(input[0]).before);
  shape.before_x = narrow(window.along_width(input[1]).before);
  return shape;
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

// What a convolution reads, with zeros around it where its engines do not put them there.
struct ConvolutionInput {
  Lowering::Read read;
  Shape shape;
  Around around;
  std::int64_t pitch = 0;
};

ConvolutionInput convolution_input(Lowering& l, NodeId id, const Window& window, bool pads) {
  NodeId node = l.input(id);
  ConvolutionInput input;
  input.shape = l.input_shape(id);
  const auto high = window.along_height(input.shape[0]);
  const auto wide = window.along_width(input.shape[1]);
  input.around = {high.before, high.after, wide.before, wide.after};
  if (is_folded(l, node)) {
    const auto& border = l.layer<ZeroPadding2D>(node)->border();
    input.around.top += border.top;
    input.around.bottom += border.bottom;
    input.around.left += border.left;
    input.around.right += border.right;
    input.shape = l.input_shape(node);
    node = l.input(node);
  }
  input.pitch = input.shape[2];
  const std::int64_t grain = l.channel_grain();
  if (pads && l.is_input(node) && input.pitch % grain != 0 && l.node(node).shape == input.shape) {
    input.pitch = (input.pitch + grain - 1) / grain * grain;
    input.read = {l.read_input(node, l.type(), input.pitch), {}};
  } else {
    input.read = l.read_as(node, l.type());
  }
  // The value may have been made in another shape.
  input.read.x.stride = input.read.dx.stride = input.pitch;
  return input;
}

void add_border(Lowering& l, const Around& around, const Shape& inner, const Shape& outer,
                std::int64_t channels, BorderOperation::Spec spec) {
  Border& border = spec.border;
  border.height = static_cast<std::uint32_t>(inner[0]);
  border.width = static_cast<std::uint32_t>(inner[1]);
  border.outer_height = static_cast<std::uint32_t>(outer[0]);
  border.outer_width = static_cast<std::uint32_t>(outer[1]);
  border.channels = static_cast<std::uint32_t>(channels);
  border.top = static_cast<std::uint32_t>(around.top);
  border.left = static_cast<std::uint32_t>(around.left);
  l.add(std::make_unique<BorderOperation>(spec), static_cast<bool>(spec.dx));
}

// Libraries have few engines for more zeros on one side than on the other: then these are put there
// beforehand.
void even_out(Lowering& l, ConvolutionInput& input) {
  if (input.around.is_even()) return;
  const Shape inner = input.shape;
  const Around& around = input.around;
  const Shape outer{inner[0] + around.top + around.bottom, inner[1] + around.left + around.right,
                    input.pitch};
  BorderOperation::Spec spec;
  spec.x = input.read.x;
  spec.dx = input.read.dx;
  input.read.x = spec.y = l.add_tensor(outer, l.type());
  if (spec.dx) input.read.dx = spec.dy = l.add_tensor(outer, l.type());
  add_border(l, around, inner, outer, input.pitch, spec);
  input.shape = {outer[0], outer[1], inner[2]};
  input.around = {};
}

void add_convolution(Lowering& l, NodeId id, const Window& window, std::int64_t groups,
                     bool use_bias) {
  const auto relu = l.fused_relu(id);
  const NodeId last = relu.value_or(id);
  const Shape& output = l.node(id).shape;
  ConvolutionInput input = convolution_input(l, id, window, groups == 1);
  even_out(l, input);
  ConvolutionSpec spec;
  spec.shape.window = window_shape(window, input.shape, output);
  spec.shape.window.before_y = spec.after_y = narrow(input.around.top);
  spec.shape.window.before_x = spec.after_x = narrow(input.around.left);
  spec.shape.channels = static_cast<std::uint32_t>(input.pitch);
  spec.shape.filters = static_cast<std::uint32_t>(output[2]);
  spec.shape.groups = static_cast<std::uint32_t>(groups);
  spec.own_channels = static_cast<std::uint32_t>(input.shape[2]);
  spec.relu = relu.has_value();
  spec.use_bias = use_bias && !l.is_normalized_away(id);
  spec.is_shared = l.is_shared(id);
  spec.x = input.read.x;
  spec.dx = input.read.dx;
  Lowering::Value& made = l.make_value(last, false, l.type());
  spec.y = made.value;
  spec.dy = l.whole_gradient(last);
  spec.kernel = l.place(id, 0);
  spec.bias = spec.use_bias ? l.place(id, 1) : 0;
  const auto kernel_size = static_cast<std::size_t>(spec.taps() * spec.shape.group_channels());
  if (spec.is_padded()) spec.padded_kernel = l.add_state(kernel_size);
  if (l.training() && (spec.is_padded() || spec.is_shared)) {
    spec.gradient = l.add_state(kernel_size);
  }
  l.add(std::make_unique<ConvolutionOperation>(spec), l.needs_gradient(id));
}

void add_pool(Lowering& l, NodeId id, const Window& window, bool largest, Type made_type) {
  const Shape& input = l.input_shape(id);
  const Shape& output = l.node(id).shape;
  Lowering::Read read = l.read(l.input(id));
  read.x.stride = read.dx.stride = input[2];  // it may have been made in another shape
  PoolOperation::Spec spec;
  spec.window = window_shape(window, input, output.rank() == 3 ? output : Shape{1, 1, output[0]});
  spec.channels = static_cast<std::uint32_t>(input[2]);
  spec.largest = largest;
  spec.x = read.x;
  spec.dx = read.dx;
  const Lowering::Value& made = l.make_value(id, true, made_type);
  spec.y = made.value;
  spec.dy = made.gradients.size() == 1 ? made.gradients[0] : l.whole_gradient(id);
  if (largest && l.training()) spec.winners = l.add_tensor(output, Type::f32);
  l.add(std::make_unique<PoolOperation>(spec), static_cast<bool>(spec.dx));
}

// The whole image as one window.
Window whole_image(const Shape& image) {
  Window window;
  window.size = window.strides = {image[0], image[1]};
  return window;
}

}  // namespace

bool lower_convolution(Lowering& l, NodeId id) {
  if (const auto* conv = l.layer<Conv2D>(id)) {
    add_convolution(l, id, conv->window(), conv->groups(), conv->use_bias());
  } else if (const auto* depthwise = l.layer<DepthwiseConv2D>(id)) {
    add_convolution(l, id, depthwise->window(), l.input_shape(id)[2], depthwise->use_bias());
  } else {
    return false;
  }
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
  spec.relu = relu.has_value();
  const Lowering::Read read = l.read_as(l.input(id), Type::f32);
  Lowering::Value& made = l.make_value(last, false, Type::f32);
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = made.value;
  spec.dy = l.whole_gradient(last);
  spec.kernel = l.place(id, 0);
  spec.bias = spec.use_bias ? l.place(id, 1) : 0;
  l.add(std::make_unique<DenseOperation>(spec), l.needs_gradient(id));
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
  const Shape of_time{spec.times, spec.units}, of_unit{spec.units};
  spec.inputs = l.add_tensor({spec.times, spec.features}, Type::f32);
  spec.gates = l.add_tensor({spec.times, 4 * spec.units}, Type::f32);
  spec.cells = l.add_tensor(of_time, Type::f32);
  spec.states = l.add_tensor(of_time, Type::f32);
  spec.slopes = l.add_tensor(of_time, Type::f32);
  spec.later = l.add_tensor(of_unit, Type::f32);
  spec.cell_slopes = l.add_tensor(of_unit, Type::f32);
  spec.kernel = l.place(id, 0);
  spec.recurrent_kernel = l.place(id, 1);
  if (spec.use_bias) spec.bias = l.place(id, 2);
  l.add(std::make_unique<LstmOperation>(spec), l.needs_gradient(id));
  return true;
}

bool lower_padding(Lowering& l, NodeId id) {
  const auto* layer = l.layer<ZeroPadding2D>(id);
  if (layer == nullptr) return false;
  if (is_folded(l, id)) {
    l.skip(id);
    return true;
  }
  const Lowering::Read read = l.read(l.input(id));
  BorderOperation::Spec spec;
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = l.make_value(id, false, read.x.type).value;
  spec.dy = l.whole_gradient(id);
  const auto& border = layer->border();
  const Shape& input = l.input_shape(id);
  add_border(l, {border.top, border.bottom, border.left, border.right}, input, l.node(id).shape,
             input[2], spec);
  return true;
}

bool lower_pooling(Lowering& l, NodeId id) {
  const Type type = l.node(id).inputs.empty() ? l.type() : l.type_of(l.input(id));
  if (const auto* max = l.layer<MaxPooling2D>(id)) {
    add_pool(l, id, max->window(), true, type);
  } else if (const auto* average = l.layer<AveragePooling2D>(id)) {
    add_pool(l, id, average->window(), false, type);
  } else if (l.layer<GlobalAveragePooling2D>(id) != nullptr) {
    add_pool(l, id, whole_image(l.input_shape(id)), false, Type::f32);
  } else if (l.layer<GlobalMaxPooling2D>(id) != nullptr) {
    add_pool(l, id, whole_image(l.input_shape(id)), true, Type::f32);
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
  const NodeId input = l.input(id);
  const bool softmax = l.is(id, ActivationKind::softmax);
  const bool in_f32 = dropout != nullptr || softmax;
  Lowering::Read read = in_f32 ? l.read_as(input, Type::f32) : l.read(input);
  const View y = l.make_value(id, false, read.x.type).value;
  const View dy = l.whole_gradient(id);
  const bool has_backward = static_cast<bool>(read.dx);
  if (dropout != nullptr) {
    l.add(std::make_unique<DropoutOperation>(DropoutOperation::Spec{
              shape.elements(), dropout->rate(), id, read.x, read.dx, y, dy}),
          has_backward);
    return true;
  }
  const std::int64_t width = shape.rank() > 0 ? shape[shape.rank() - 1] : 1;
  read.x.stride = read.dx.stride = width;  // it may have been made in another shape
  ActivationOperation::Spec spec;
  spec.extent = {shape.elements() / width, width};
  spec.kind = activation->function();
  spec.slope = static_cast<float>(activation->negative_slope());
  spec.x = read.x;
  spec.dx = read.dx;
  spec.y = y;
  spec.dy = dy;
  l.add(std::make_unique<ActivationOperation>(spec), has_backward);
  return true;
}

}  // namespace headrace::gpu
