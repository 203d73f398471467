#include "headrace/train/cpu/conv_operation.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::data_type onednn_type(Type type) {
  return type == Type::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc desc(const memory::dims& dims, Tag tag, Type type = Type::f32) {
  return memory::desc(dims, onednn_type(type), tag);
}

// Channels in a block of an image's layout; `channels` itself if they are not blocked.
std::int64_t block_of(const memory::desc& image, std::int64_t channels) {
  const auto& blocking = image.data.format_desc.blocking;
  const bool blocked = image.data.format_kind == dnnl_blocked && blocking.inner_nblks == 1 &&
                       blocking.inner_idxs[0] == 1 && channels % blocking.inner_blks[0] == 0;
  return blocked ? blocking.inner_blks[0] : channels;
}

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// Of one channel both names mean the same, and oneDNN has more code for one or the other.
Tag source_tag(const ConvSpec& spec, Tag output_tag) {
  return spec.input[2] == 1 && output_tag != Tag::nhwc ? Tag::nchw : Tag::nhwc;
}

// The arguments of oneDNN's convolution, in its terms.
struct Geometry {
  memory::dims source, kernel, kernel_strides, bias, output, strides, dilation, before, after;

  Geometry(const ConvSpec& spec, std::int64_t rows) {
    const Extent2& size = spec.kernel_size;
    const std::int64_t channels = spec.input[2] / spec.groups, filters = spec.output[2];
    source = {rows, spec.input[2], spec.input[0], spec.input[1]};
    kernel = {filters / spec.groups, channels, size.height, size.width};
    kernel_strides = {1, filters, size.width * channels * filters, channels * filters};
    if (spec.groups > 1) {
      kernel.insert(kernel.begin(), spec.groups);
      kernel_strides.insert(kernel_strides.begin(), filters / spec.groups);
    }
    bias = {filters};
    output = {rows, filters, spec.output[0], spec.output[1]};
    strides = {spec.strides.height, spec.strides.width};
    dilation = {spec.dilation.height - 1, spec.dilation.width - 1};
    before = {spec.before.height, spec.before.width};
    after = {spec.after.height, spec.after.width};
  }
  memory::desc kernel_in(Type type) const { return desc(kernel, Tag::any, type); }
};

dnnl::convolution_forward::primitive_desc forward_desc(const ConvSpec& spec, std::int64_t rows,
                                                       Tag output_tag) {
  const Geometry at(spec, rows);
  const auto kind =
      spec.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const bool has_bias = spec.use_bias || spec.norm;
  const auto bias = has_bias ? desc(at.bias, Tag::x) : memory::desc();
  const dnnl::convolution_forward::desc forward(
      kind, dnnl::algorithm::convolution_direct,
      desc(at.source, source_tag(spec, output_tag), spec.x.type), at.kernel_in(spec.x.type), bias,
      desc(at.output, output_tag, spec.y.type), at.strides, at.dilation, at.before, at.after);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (spec.relu) {
    dnnl::post_ops after;
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(after);
  }
  return {forward, attributes, onednn_engine()};
}

Tag output_tag(std::int64_t channel_block, std::int64_t channels) {
  if (channel_block == channels) return Tag::nhwc;
  return channel_block == 16 ? Tag::nChw16c : Tag::nChw8c;
}

}  // namespace

struct ConvOperation::Compiled {
  Compiled(const ConvSpec& spec, std::int64_t rows, Tag tag)
      : geometry(spec, rows),
        forward_pd(forward_desc(spec, rows, tag)),
        forward(forward_pd),
        kernel_layout(geometry.kernel, memory::data_type::f32, geometry.kernel_strides) {
    if (forward_pd.weights_desc() != kernel_layout) {
      kernel = AlignedBuffer<std::byte>(forward_pd.weights_desc().get_size());
    }
    scratch = aligned(forward_pd.scratchpad_desc().get_size());
    if (spec.training) compile_backward(spec, tag);
  }

  void compile_backward(const ConvSpec& spec, Tag output_tag) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto source = desc(geometry.source, source_tag(spec, output_tag), spec.x.type);
    const bool trains_bias = spec.use_bias && spec.trains_bias;
    const auto bias = trains_bias ? desc(geometry.bias, Tag::x) : memory::desc();
    weights_pd = {{dnnl::algorithm::convolution_direct, source, geometry.kernel_in(Type::f32), bias,
                   forward_pd.dst_desc(), geometry.strides, geometry.dilation, geometry.before,
                   geometry.after},
                  attributes,
                  onednn_engine(),
                  forward_pd};
    weights = dnnl::convolution_backward_weights(weights_pd);
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    dnnl::primitive_attr adding;
    adding.set_post_ops(sum);
    add_kernel = dnnl::reorder(dnnl::reorder::primitive_desc(
        onednn_engine(), weights_pd.diff_weights_desc(), onednn_engine(), kernel_layout, adding));
    // Scratch of the weights' gradient: oneDNN's own, then the gradient.
    raw_gradient = aligned(weights_pd.scratchpad_desc().get_size());
    bias_gradient = raw_gradient + aligned(weights_pd.diff_weights_desc().get_size());
    scratch = std::max(scratch, bias_gradient + aligned(bias.get_size()));

    if (!spec.dx) return;
    data_pd = {{dnnl::algorithm::convolution_direct, source, geometry.kernel_in(spec.x.type),
                forward_pd.dst_desc(), geometry.strides, geometry.dilation, geometry.before,
                geometry.after},
               attributes,
               onednn_engine(),
               forward_pd};
    data = dnnl::convolution_backward_data(data_pd);
    if (data_pd.weights_desc() != forward_pd.weights_desc()) {
      data_kernel = AlignedBuffer<std::byte>(data_pd.weights_desc().get_size());
    }
    scratch = std::max(scratch, aligned(data_pd.scratchpad_desc().get_size()));
  }

  Geometry geometry;
  dnnl::convolution_forward::primitive_desc forward_pd;
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_weights::primitive_desc weights_pd;
  dnnl::convolution_backward_weights weights;
  dnnl::reorder add_kernel;  // the gradient, to the arena's
  dnnl::convolution_backward_data::primitive_desc data_pd;
  dnnl::convolution_backward_data data;
  memory::desc kernel_layout;            // of the arena
  AlignedBuffer<std::byte> kernel;       // as forward wants it; empty: as in the arena
  AlignedBuffer<std::byte> data_kernel;  // as backward data wants it; empty: as forward
  std::size_t scratch = 0;
  std::size_t raw_gradient = 0, bias_gradient = 0;
};

namespace {

memory at(const memory::desc& layout, const void* data) {
  return memory(layout, onednn_engine(), const_cast<void*>(data));
}

void* tensor(const Block& block, const View& view) {
  return block.data<std::byte>({view.tensor});  // views of convolutions are plain
}

void reorder(const memory::desc& from, const void* source, const memory::desc& to, void* target) {
  dnnl::stream stream(onednn_engine());
  memory in = at(from, source), out = at(to, target);
  dnnl::reorder(in, out).execute(stream, in, out);
}

}  // namespace

ConvOperation::ConvOperation(const ConvSpec& spec) : spec_(spec), channel_block_(spec.output[2]) {}

ConvOperation::~ConvOperation() = default;

bool ConvOperation::is_slow(const ConvSpec& spec) {
  const Compiled compiled(spec, 1, Tag::nhwc);
  const auto is_reference = [](const char* name) {
    return std::string_view(name).find("ref") != std::string_view::npos;
  };
  return is_reference(compiled.forward_pd.impl_info_str()) ||
         (spec.training && is_reference(compiled.weights_pd.impl_info_str())) ||
         (spec.training && spec.dx && is_reference(compiled.data_pd.impl_info_str()));
}

std::int64_t ConvOperation::choose_channel_block(std::int64_t rows) {
  const std::int64_t channels = spec_.output[2];
  const auto free_choice = forward_desc(spec_, rows, Tag::any);
  const bool is_slow = std::string_view(free_choice.impl_info_str()).starts_with("ref");
  const std::int64_t block = block_of(free_choice.dst_desc(), channels);
  channel_block_ = !is_slow && (block == 8 || block == 16) ? block : channels;
  return channel_block_;
}

void ConvOperation::compile(std::int64_t rows) {
  auto& compiled = compiled_[rows];
  if (compiled == nullptr) {
    compiled = std::make_unique<Compiled>(spec_, rows, output_tag(channel_block_, spec_.output[2]));
  }
}

// norm(x k + b) = x (k s) + (b - mean) s + beta, where s = gamma / sqrt(variance + epsilon).
void ConvOperation::fold(const float* parameters) {
  const FoldedNorm& norm = *spec_.norm;
  const auto filters = static_cast<std::size_t>(spec_.output[2]);
  const auto weights = static_cast<std::size_t>(spec_.kernel_size.height * spec_.kernel_size.width *
                                                spec_.input[2] / spec_.groups);
  if (folded_bias_.size() == 0) {
    folded_kernel_ = AlignedBuffer<float>(weights * filters);
    folded_bias_ = AlignedBuffer<float>(filters);
  }
  const float* kernel = parameters + spec_.kernel;
  for (std::size_t f = 0; f < filters; ++f) {
    const double gamma = norm.scale ? parameters[norm.gamma + f] : 1.0;
    const double beta = norm.center ? parameters[norm.beta + f] : 0.0;
    const double bias = spec_.use_bias ? parameters[spec_.bias + f] : 0.0;
    const double scale = gamma / std::sqrt(parameters[norm.moving_variance + f] + norm.epsilon);
    folded_bias_.data()[f] =
        static_cast<float>((bias - parameters[norm.moving_mean + f]) * scale + beta);
    for (std::size_t i = 0; i < weights; ++i) {
      folded_kernel_.data()[i * filters + f] = static_cast<float>(kernel[i * filters + f] * scale);
    }
  }
}

void ConvOperation::prepare(const float* parameters) {
  if (spec_.norm) fold(parameters);
  const float* kernel = spec_.norm ? folded_kernel_.data() : parameters + spec_.kernel;
  for (const auto& [rows, c] : compiled_) {
    if (c->kernel.size() > 0) {
      reorder(c->kernel_layout, kernel, c->forward_pd.weights_desc(), c->kernel.data());
    }
    if (c->data_kernel.size() > 0) {
      reorder(c->kernel_layout, kernel, c->data_pd.weights_desc(), c->data_kernel.data());
    }
  }
}

void ConvOperation::forward(const Block& block) const {
  const Compiled& c = of(block.rows);
  dnnl::stream stream(onednn_engine());
  const float* bias = spec_.norm ? folded_bias_.data() : block.parameters + spec_.bias;
  const void* kernel = spec_.norm ? folded_kernel_.data() : block.parameters + spec_.kernel;
  if (c.kernel.size() > 0) kernel = c.kernel.data();
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, at(c.forward_pd.src_desc(), tensor(block, spec_.x))},
      {DNNL_ARG_WEIGHTS, at(c.forward_pd.weights_desc(), kernel)},
      {DNNL_ARG_DST, at(c.forward_pd.dst_desc(), tensor(block, spec_.y))},
      {DNNL_ARG_SCRATCHPAD, at(c.forward_pd.scratchpad_desc(), block.scratch)}};
  if (adds_bias()) arguments[DNNL_ARG_BIAS] = at(c.forward_pd.bias_desc(), bias);
  c.forward.execute(stream, arguments);
}

void ConvOperation::backward(const Block& block) const {
  const Compiled& c = of(block.rows);
  dnnl::stream stream(onednn_engine());
  void* dy = tensor(block, spec_.dy);
  if (spec_.relu_backward) {
    relu_backward(at(block, spec_.y), block.rows * spec_.output.elements(), at(block, spec_.dy));
  }

  auto* bias = reinterpret_cast<float*>(block.scratch + c.bias_gradient);
  memory raw = at(c.weights_pd.diff_weights_desc(), block.scratch + c.raw_gradient);
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, at(c.weights_pd.src_desc(), tensor(block, spec_.x))},
      {DNNL_ARG_DIFF_DST, at(c.weights_pd.diff_dst_desc(), dy)},
      {DNNL_ARG_DIFF_WEIGHTS, raw},
      {DNNL_ARG_SCRATCHPAD, at(c.weights_pd.scratchpad_desc(), block.scratch)}};
  const bool trains_bias = spec_.use_bias && spec_.trains_bias;
  if (trains_bias) {
    arguments[DNNL_ARG_DIFF_BIAS] = at(c.weights_pd.diff_bias_desc(), bias);
  }
  c.weights.execute(stream, arguments);
  memory sum = at(c.kernel_layout, block.gradients + spec_.kernel);
  c.add_kernel.execute(stream, raw, sum);
  if (trains_bias) {
    add(bias, static_cast<std::size_t>(spec_.output[2]), block.gradients + spec_.bias);
  }

  if (!spec_.dx) return;
  const void* kernel = c.data_kernel.size() > 0 ? static_cast<const void*>(c.data_kernel.data())
                       : c.kernel.size() > 0    ? static_cast<const void*>(c.kernel.data())
                                                : block.parameters + spec_.kernel;
  c.data.execute(stream,
                 {{DNNL_ARG_DIFF_DST, at(c.data_pd.diff_dst_desc(), dy)},
                  {DNNL_ARG_WEIGHTS, at(c.data_pd.weights_desc(), kernel)},
                  {DNNL_ARG_DIFF_SRC, at(c.data_pd.diff_src_desc(), tensor(block, spec_.dx))},
                  {DNNL_ARG_SCRATCHPAD, at(c.data_pd.scratchpad_desc(), block.scratch)}});
}

Operation::Work ConvOperation::work() const {
  const Extent2& size = spec_.kernel_size;
  const std::int64_t once =
      spec_.output.elements() * size.height * size.width * (spec_.input[2] / spec_.groups);
  return {once, spec_.dx ? 2 * once : once};
}

std::size_t ConvOperation::scratch_bytes(std::int64_t rows) const { return of(rows).scratch; }

std::size_t ConvOperation::memory_bytes() const {
  std::size_t bytes = folded_kernel_.bytes() + folded_bias_.bytes();
  for (const auto& [rows, c] : compiled_) bytes += c->kernel.bytes() + c->data_kernel.bytes();
  return bytes;
}

std::vector<TensorId> ConvOperation::backward_tensors() const {
  return {spec_.x.tensor, spec_.dy.tensor, spec_.dx.tensor,
          spec_.relu_backward ? spec_.y.tensor : no_tensor};
}

}  // namespace headrace::cpu
