#include "headrace/train/cuda/plugin/convolution_graph.h"

#include <string>
#include <vector>

namespace headrace::cuda {
namespace {

namespace fe = cudnn_frontend;
using Graph = fe::graph::Graph;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;
using Extents = std::vector<std::int64_t>;

fe::DataType_t type_of(gpu::Type type) {
  return type == gpu::Type::bf16 ? fe::DataType_t::BFLOAT16 : fe::DataType_t::FLOAT;
}

// A tensor as cuDNN has it: extents in the order N, C, H, W whatever its layout.
struct Layout {
  Extents dim, stride;
};

Layout image(std::int64_t rows, std::int64_t channels, std::int64_t height, std::int64_t width,
             std::int64_t pitch) {
  return {{rows, channels, height, width}, {height * width * pitch, 1, width * pitch, pitch}};
}

Layout input(const gpu::Convolution& c) {
  const gpu::WindowShape& w = c.shape.window;
  return image(w.rows, c.shape.channels, w.height, w.width, c.x.stride);
}
Layout output(const gpu::Convolution& c) {
  const gpu::WindowShape& w = c.shape.window;
  return image(w.rows, c.shape.filters, w.out_height, w.out_width, c.y.stride);
}
Layout kernel(const gpu::Convolution& c) {
  const std::int64_t channels = c.shape.group_channels();
  return image(c.shape.filters, channels, c.shape.window.size_y, c.shape.window.size_x, channels);
}

Tensor add(Graph& graph, const char* name, GraphTensor which, const Layout& layout,
           fe::DataType_t type) {
  return graph.tensor(fe::graph::Tensor_attributes()
                          .set_name(name)
                          .set_dim(layout.dim)
                          .set_stride(layout.stride)
                          .set_uid(static_cast<std::int64_t>(which))
                          .set_data_type(type));
}

void give_out(const Tensor& tensor, GraphTensor which, const Layout& layout, fe::DataType_t type) {
  tensor->set_output(true)
      .set_dim(layout.dim)
      .set_stride(layout.stride)
      .set_uid(static_cast<std::int64_t>(which))
      .set_data_type(type);
}

template <class Attributes>
Attributes attributes(const gpu::Convolution& c, const char* name) {
  const gpu::WindowShape& w = c.shape.window;
  Attributes made;
  made.set_name(name)
      .set_pre_padding({w.before_y, w.before_x})
      .set_post_padding({c.after_y, c.after_x})
      .set_stride({w.stride_y, w.stride_x})
      .set_dilation({w.dilation_y, w.dilation_x});
  return made;
}

void add_forward(Graph& graph, const gpu::Convolution& c, bool with_epilogue) {
  const fe::DataType_t type = type_of(c.type);
  const Tensor x = add(graph, "x", GraphTensor::x, input(c), type);
  const Tensor w = add(graph, "kernel", GraphTensor::kernel, kernel(c), type);
  Tensor y = graph.conv_fprop(x, w, attributes<fe::graph::Conv_fprop_attributes>(c, "convolution"));
  if (with_epilogue && c.bias != nullptr) {
    const std::int64_t filters = c.shape.filters;
    const Tensor bias = add(graph, "bias", GraphTensor::bias, image(1, filters, 1, 1, filters),
                            fe::DataType_t::FLOAT);
    y = graph.pointwise(
        y, bias,
        fe::graph::Pointwise_attributes().set_name("add bias").set_mode(fe::PointwiseMode_t::ADD));
  }
  if (with_epilogue && c.relu) {
    y = graph.pointwise(y, fe::graph::Pointwise_attributes().set_name("relu").set_mode(
                               fe::PointwiseMode_t::RELU_FWD));
  }
  give_out(y, GraphTensor::y, output(c), type);
}

void add_input_gradient(Graph& graph, const gpu::Convolution& c) {
  const fe::DataType_t type = type_of(c.type);
  const Tensor dy = add(graph, "dy", GraphTensor::y, output(c), type);
  const Tensor w = add(graph, "kernel", GraphTensor::kernel, kernel(c), type);
  const Tensor dx =
      graph.conv_dgrad(dy, w, attributes<fe::graph::Conv_dgrad_attributes>(c, "input gradient"));
  give_out(dx, GraphTensor::x, input(c), type);
}

void add_kernel_gradient(Graph& graph, const gpu::Convolution& c, bool in_type) {
  const fe::DataType_t type = type_of(c.type);
  const Tensor dy = add(graph, "dy", GraphTensor::y, output(c), type);
  const Tensor x = add(graph, "x", GraphTensor::x, input(c), type);
  const Tensor dw =
      graph.conv_wgrad(dy, x, attributes<fe::graph::Conv_wgrad_attributes>(c, "kernel gradient"));
  give_out(dw, GraphTensor::kernel, kernel(c), in_type ? type : fe::DataType_t::FLOAT);
}

}  // namespace

std::unique_ptr<Graph> make_convolution_graph(const gpu::Convolution& convolution,
                                              const GraphOptions& options, std::string& reason) {
  auto graph = std::make_unique<Graph>();
  graph->set_io_data_type(type_of(convolution.type))
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  switch (convolution.kind) {
    case gpu::ConvolutionKind::forward:
      add_forward(*graph, convolution, options.with_epilogue);
      break;
    case gpu::ConvolutionKind::input_gradient: add_input_gradient(*graph, convolution); break;
    case gpu::ConvolutionKind::kernel_gradient:
      add_kernel_gradient(*graph, convolution, options.gradient_in_type);
      break;
  }
  const auto status = graph->validate();
  if (status.is_good()) return graph;
  reason = status.err_msg;
  return nullptr;
}

}  // namespace headrace::cuda
