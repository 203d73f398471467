#include "headrace/train/cpu/conv_operation.h"

#include <algorithm>
#include <string_view>

#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::desc desc(const memory::dims& dims, Tag tag) {
  return memory::desc(dims, memory::data_type::f32, tag);
}

// Channels in a block of an image's layout; `channels` itself if they are not blocked.
std::int64_t block_of(const memory::desc& image, std::int64_t channels) {
  const auto& blocking = image.data.format_desc.blocking;
  const bool blocked = image.data.format_kind == dnnl_blocked && blocking.inner_nblks == 1 &&
                       blocking.inner_idxs[0] == 1 && channels % blocking.inner_blks[0] == 0;
  return blocked ? blocking.inner_blks[0] : channels;
}

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// Of one channel both names mean the same, and oneDNN has more code for one of them.
Tag source_tag(const ConvSpec& spec) { return spec.input[2] == 1 ? Tag::nchw : Tag::nhwc; }

// The arguments of oneDNN's convolution, in its terms.
struct Geometry {
  memory::dims source, kernel, bias, output, strides, before, after;

  Geometry(const ConvSpec& spec, std::int64_t rows) {
    const Window& window = spec.window;
    const auto high = window.along_height(spec.input[0]);
    const auto wide = window.along_width(spec.input[1]);
    source = {rows, spec.input[2], spec.input[0], spec.input[1]};
    kernel = {spec.output[2], spec.input[2], window.size.height, window.size.width};
    bias = {spec.output[2]};
    output = {rows, spec.output[2], spec.output[0], spec.output[1]};
    strides = {window.strides.height, window.strides.width};
    before = {high.before, wide.before};
    after = {high.after, wide.after};
  }
};

dnnl::convolution_forward::primitive_desc forward_desc(const ConvSpec& spec, std::int64_t rows,
                                                       Tag output_tag) {
  const Geometry at(spec, rows);
  const auto kind =
      spec.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const auto bias = spec.use_bias ? desc(at.bias, Tag::x) : memory::desc();
  const dnnl::convolution_forward::desc forward(
      kind, dnnl::algorithm::convolution_direct, desc(at.source, source_tag(spec)),
      desc(at.kernel, Tag::any), bias, desc(at.output, output_tag), at.strides, at.before,
      at.after);
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
        kernel_layout(desc(geometry.kernel, Tag::hwio)) {
    if (forward_pd.weights_desc() != kernel_layout) {
      kernel = AlignedBuffer<std::byte>(forward_pd.weights_desc().get_size());
    }
    scratch = aligned(forward_pd.scratchpad_desc().get_size());
    if (spec.training) compile_backward(spec);
  }

  void compile_backward(const ConvSpec& spec) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto source = desc(geometry.source, source_tag(spec));
    const auto any_kernel = desc(geometry.kernel, Tag::any);
    const auto bias = spec.use_bias ? desc(geometry.bias, Tag::x) : memory::desc();
    weights_pd = {{dnnl::algorithm::convolution_direct, source, any_kernel, bias,
                   forward_pd.dst_desc(), geometry.strides, geometry.before, geometry.after},
                  attributes,
                  onednn_engine(),
                  forward_pd};
    weights = dnnl::convolution_backward_weights(weights_pd);
    // Scratch of the weights' gradient: oneDNN's own, the gradient as it makes it, as we keep it.
    raw_gradient = aligned(weights_pd.scratchpad_desc().get_size());
    kept_gradient = raw_gradient + aligned(weights_pd.diff_weights_desc().get_size());
    bias_gradient = kept_gradient + aligned(kernel_layout.get_size());
    scratch = std::max(scratch, bias_gradient + aligned(bias.get_size()));

    if (spec.dx == no_tensor) return;
    data_pd = {{dnnl::algorithm::convolution_direct, source, any_kernel, forward_pd.dst_desc(),
                geometry.strides, geometry.before, geometry.after},
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
  dnnl::convolution_backward_data::primitive_desc data_pd;
  dnnl::convolution_backward_data data;
  memory::desc kernel_layout;            // of the arena
  AlignedBuffer<std::byte> kernel;       // as forward wants it; empty: as in the arena
  AlignedBuffer<std::byte> data_kernel;  // as backward data wants it; empty: as forward
  std::size_t scratch = 0;
  std::size_t raw_gradient = 0, kept_gradient = 0, bias_gradient = 0;
};

namespace {

memory at(const memory::desc& layout, const void* data) {
  return memory(layout, onednn_engine(), const_cast<void*>(data));
}

void reorder(const memory::desc& from, const void* source, const memory::desc& to, void* target) {
  dnnl::stream stream(onednn_engine());
  memory in = at(from, source), out = at(to, target);
  dnnl::reorder(in, out).execute(stream, in, out);
}

}  // namespace

ConvOperation::ConvOperation(const ConvSpec& spec) : spec_(spec), channel_block_(spec.output[2]) {}

ConvOperation::~ConvOperation() = default;

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

void ConvOperation::prepare(std::int64_t rows, const float* parameters) {
  const Compiled& c = of(rows);
  const float* kernel = parameters + spec_.kernel;
  if (c.kernel.size() > 0) {
    reorder(c.kernel_layout, kernel, c.forward_pd.weights_desc(), c.kernel.data());
  }
  if (c.data_kernel.size() > 0) {
    reorder(c.kernel_layout, kernel, c.data_pd.weights_desc(), c.data_kernel.data());
  }
}

void ConvOperation::forward(const Block& block) const {
  const Compiled& c = of(block.rows);
  dnnl::stream stream(onednn_engine());
  const void* kernel = block.parameters + spec_.kernel;
  if (c.kernel.size() > 0) kernel = c.kernel.data();
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, at(c.forward_pd.src_desc(), block.tensor(spec_.x))},
      {DNNL_ARG_WEIGHTS, at(c.forward_pd.weights_desc(), kernel)},
      {DNNL_ARG_DST, at(c.forward_pd.dst_desc(), block.tensor(spec_.y))},
      {DNNL_ARG_SCRATCHPAD, at(c.forward_pd.scratchpad_desc(), block.scratch)}};
  if (spec_.use_bias) {
    arguments[DNNL_ARG_BIAS] = at(c.forward_pd.bias_desc(), block.parameters + spec_.bias);
  }
  c.forward.execute(stream, arguments);
}

void ConvOperation::backward(const Block& block) const {
  const Compiled& c = of(block.rows);
  dnnl::stream stream(onednn_engine());
  float* dy = block.tensor(spec_.dy);
  if (spec_.relu_backward) {
    relu_backward(block.tensor(spec_.y),
                  static_cast<std::size_t>(block.rows * spec_.output.elements()), dy);
  }

  auto* kept = reinterpret_cast<float*>(block.scratch + c.kept_gradient);
  auto* bias = reinterpret_cast<float*>(block.scratch + c.bias_gradient);
  const bool as_kept = c.weights_pd.diff_weights_desc() == c.kernel_layout;
  void* raw = as_kept ? static_cast<void*>(kept) : block.scratch + c.raw_gradient;
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, at(c.weights_pd.src_desc(), block.tensor(spec_.x))},
      {DNNL_ARG_DIFF_DST, at(c.weights_pd.diff_dst_desc(), dy)},
      {DNNL_ARG_DIFF_WEIGHTS, at(c.weights_pd.diff_weights_desc(), raw)},
      {DNNL_ARG_SCRATCHPAD, at(c.weights_pd.scratchpad_desc(), block.scratch)}};
  if (spec_.use_bias) {
    arguments[DNNL_ARG_DIFF_BIAS] = at(c.weights_pd.diff_bias_desc(), bias);
  }
  c.weights.execute(stream, arguments);
  if (!as_kept) reorder(c.weights_pd.diff_weights_desc(), raw, c.kernel_layout, kept);
  add(kept, c.kernel_layout.get_size() / sizeof(float), block.gradients + spec_.kernel);
  if (spec_.use_bias) {
    add(bias, static_cast<std::size_t>(spec_.output[2]), block.gradients + spec_.bias);
  }

  if (spec_.dx == no_tensor) return;
  const void* kernel = c.data_kernel.size() > 0 ? static_cast<const void*>(c.data_kernel.data())
                       : c.kernel.size() > 0    ? static_cast<const void*>(c.kernel.data())
                                                : block.parameters + spec_.kernel;
  c.data.execute(stream,
                 {{DNNL_ARG_DIFF_DST, at(c.data_pd.diff_dst_desc(), dy)},
                  {DNNL_ARG_WEIGHTS, at(c.data_pd.weights_desc(), kernel)},
                  {DNNL_ARG_DIFF_SRC, at(c.data_pd.diff_src_desc(), block.tensor(spec_.dx))},
                  {DNNL_ARG_SCRATCHPAD, at(c.data_pd.scratchpad_desc(), block.scratch)}});
}

std::size_t ConvOperation::scratch_bytes(std::int64_t rows) const { return of(rows).scratch; }

std::size_t ConvOperation::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [rows, c] : compiled_) bytes += c->kernel.bytes() + c->data_kernel.bytes();
  return bytes;
}

std::vector<TensorId> ConvOperation::backward_tensors() const {
  return {spec_.x, spec_.dy, spec_.dx, spec_.relu_backward ? spec_.y : no_tensor};
}

}  // namespace headrace::cpu
