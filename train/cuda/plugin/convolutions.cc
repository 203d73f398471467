#include "headrace/train/cuda/plugin/convolutions.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "headrace/pipeline/cuda/cuda_handles.h"
#include "headrace/train/cuda/plugin/convolution_graph.h"

namespace headrace::cuda {
namespace {

namespace fe = cudnn_frontend;

constexpr std::int64_t most_workspace = std::int64_t{1} << 30;

void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(ErrorCode::backend,
              std::string("cuDNN: ") + what + ": " + cudnnGetErrorString(status));
}

void check_graph(const fe::error_t& status, const char* what) {
  if (status.is_good()) return;
  throw Error(ErrorCode::backend, std::string("cuDNN: ") + what + ": " + status.err_msg);
}

// Engines that compute otherwise than was asked for.
std::vector<fe::NumericalNote_t> unwanted_notes(const gpu::Convolution& convolution,
                                                bool same_bits) {
  std::vector<fe::NumericalNote_t> notes{fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION};
  if (same_bits) notes.push_back(fe::NumericalNote_t::NONDETERMINISTIC);
  if (convolution.type == gpu::Type::f32 && convolution.math == gpu::Math::f32) {
    notes.push_back(fe::NumericalNote_t::TENSOR_CORE);
    notes.push_back(fe::NumericalNote_t::DOWN_CONVERT_INPUTS);
  }
  return notes;
}

// Ways of computing a convolution, those that do the most at once first.
std::vector<GraphOptions> ways_of(const gpu::Convolution& convolution) {
  std::vector<GraphOptions> ways;
  if (convolution.kind == gpu::ConvolutionKind::forward &&
      (convolution.bias != nullptr || convolution.relu)) {
    ways.push_back({.with_epilogue = true});
  }
  ways.push_back({});
  if (convolution.kind == gpu::ConvolutionKind::kernel_gradient &&
      convolution.type != gpu::Type::f32) {
    ways.push_back({.gradient_in_type = true});
  }
  return ways;
}

// Asks for plans, the best first, and leaves out those that are not wanted.
fe::error_t propose(fe::graph::Graph& graph, const gpu::Convolution& convolution, bool same_bits) {
  auto status = graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
  if (status.is_bad()) return status;
  graph.deselect_numeric_notes(unwanted_notes(convolution, same_bits));
  graph.deselect_workspace_greater_than(most_workspace);
  return status;
}

// HEADRACE_CUDA_TUNE: how many of the plans that cuDNN proposes are measured. 0: the first is
// taken.
int candidates_wanted(int otherwise) {
  const char* text = std::getenv("HEADRACE_CUDA_TUNE");
  if (text == nullptr || *text == '\0') return otherwise;
  return static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, 100L));
}

}  // namespace

std::string describe(const gpu::Convolution& c) {
  static constexpr const char* kinds[] = {"forward", "input_gradient", "kernel_gradient"};
  const gpu::WindowShape& w = c.shape.window;
  std::string text = kinds[static_cast<int>(c.kind)];
  text += c.type == gpu::Type::bf16 ? " bf16" : c.math == gpu::Math::tf32 ? " tf32" : " f32";
  for (const std::int64_t number : {w.rows,
                                    std::int64_t{w.height},
                                    std::int64_t{w.width},
                                    std::int64_t{c.shape.channels},
                                    c.x.stride,
                                    std::int64_t{w.out_height},
                                    std::int64_t{w.out_width},
                                    std::int64_t{c.shape.filters},
                                    c.y.stride,
                                    std::int64_t{c.shape.groups},
                                    std::int64_t{w.size_y},
                                    std::int64_t{w.size_x},
                                    std::int64_t{w.stride_y},
                                    std::int64_t{w.stride_x},
                                    std::int64_t{w.dilation_y},
                                    std::int64_t{w.dilation_x},
                                    std::int64_t{w.before_y},
                                    std::int64_t{w.before_x},
                                    std::int64_t{c.after_y},
                                    std::int64_t{c.after_x}}) {
    text += " " + std::to_string(number);
  }
  if (c.bias != nullptr) text += " bias";
  if (c.relu) text += " relu";
  return text;
}

Support support_of(const gpu::Convolution& convolution, const std::string& device) {
  Support support;
  const auto properties = std::make_shared<fe::DeviceProperties>();
  if (!device.empty()) {
    check_graph(properties->deserialize({device.begin(), device.end()}), "describing a device");
  }
  for (const bool same_bits : {true, false}) {
    for (const GraphOptions& way : ways_of(convolution)) {
      const auto graph = make_convolution_graph(convolution, way, support.reason);
      support.is_valid = graph != nullptr;
      if (!support.is_valid || (device.empty() && same_bits)) return support;
      graph->set_device_properties(properties).set_sm_version(90);
      auto status = graph->build_operation_graph();
      if (status.is_good()) status = propose(*graph, convolution, same_bits);
      if (status.is_good()) status = graph->check_support();
      if (status.is_bad()) {
        support.reason += status.err_msg + "; ";
        continue;
      }
      support.has_engine = true;
      support.with_epilogue = way.with_epilogue;
      support.gradient_in_type = way.gradient_in_type;
      support.same_bits = same_bits;
      return support;
    }
  }
  return support;
}

struct Convolutions::Plan {
  std::unique_ptr<fe::graph::Graph> graph;  // null: there is no engine
  GraphOptions options;
  std::int64_t chosen = 0;
  std::int64_t workspace = 0;
  void* memory = nullptr;  // of so many bytes
};

void Convolutions::Destroy::operator()(cudnnContext* handle) const { cudnnDestroy(handle); }

Convolutions::Convolutions(cudaStream_t stream, Workspace workspace, gpu::ChoiceCache& choices,
                           std::string questions)
    : stream_(stream),
      workspace_(std::move(workspace)),
      choices_(choices),
      questions_(std::move(questions)),
      most_candidates_(candidates_wanted(most_candidates_)) {
  cudnnHandle_t handle = nullptr;
  check_cudnn(cudnnCreate(&handle), "opening the library");
  handle_.reset(handle);
  check_cudnn(cudnnSetStream(handle, stream), "setting the stream");
}

Convolutions::~Convolutions() = default;

std::string Convolutions::version() {
  const std::size_t number = cudnnGetVersion();
  return "cuDNN " + std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) +
         "." + std::to_string(number % 100);
}

Convolutions::Way Convolutions::prepare(const gpu::Convolution& convolution, bool measures) {
  std::unique_ptr<Plan>& plan_of = plans_[describe(convolution)];
  if (!plan_of) plan_of = plan(convolution, measures);
  return {plan_of->graph != nullptr, plan_of->options.with_epilogue,
          plan_of->options.gradient_in_type};
}

// Plans that give the same bits every time before others.
std::unique_ptr<Convolutions::Plan> Convolutions::plan(const gpu::Convolution& convolution,
                                                       bool measures) {
  const std::vector<GraphOptions> ways = ways_of(convolution);
  for (const bool same_bits : {true, false}) {
    for (const GraphOptions& way : ways) {
      auto made = std::make_unique<Plan>();
      made->options = way;
      std::string reason;
      made->graph = make_convolution_graph(convolution, way, reason);
      if (made->graph == nullptr) continue;
      const std::string question =
          questions_ + " " + describe(convolution) + (way.with_epilogue ? " together" : "") +
          (way.gradient_in_type ? " rounded" : "") + (same_bits ? "" : " any");
      if (choose(*made, convolution, question, same_bits, measures)) return made;
    }
  }
  return std::make_unique<Plan>();
}

bool Convolutions::choose(Plan& plan, const gpu::Convolution& convolution,
                          const std::string& question, bool same_bits, bool measures) {
  fe::graph::Graph& graph = *plan.graph;
  if (graph.build_operation_graph(handle_.get()).is_bad()) return false;
  if (propose(graph, convolution, same_bits).is_bad()) return false;
  const std::int64_t proposed = graph.get_execution_plan_count();
  const std::string known = choices_.find(question);
  std::string name;
  for (std::int64_t i = 0; !known.empty() && i < proposed; ++i) {
    if (graph.get_plan_name_at_index(i, name).is_bad() || name != known) continue;
    if (take(plan, i)) return true;
  }
  const int wanted = std::max(measures ? most_candidates_ : 1, 1);
  std::vector<std::int64_t> built;
  for (std::int64_t i = 0; i < proposed && static_cast<int>(built.size()) < wanted; ++i) {
    if (graph.build_plan_at_index(i).is_good()) built.push_back(i);
  }
  if (built.empty()) return false;
  std::int64_t best = built.front();
  if (built.size() > 1) {
    float least = std::numeric_limits<float>::infinity();
    for (const std::int64_t candidate : built) {
      const float milliseconds = time(plan, convolution, candidate);
      if (milliseconds >= least) continue;
      least = milliseconds;
      best = candidate;
    }
  }
  if (!take(plan, best)) return false;
  if (measures && graph.get_plan_name_at_index(best, name).is_good()) choices_.keep(question, name);
  return true;
}

bool Convolutions::take(Plan& plan, std::int64_t candidate) {
  if (plan.graph->build_plan_at_index(candidate).is_bad()) return false;
  if (plan.graph->get_workspace_size_plan_at_index(candidate, plan.workspace).is_bad())
    return false;
  plan.chosen = candidate;
  plan.memory = nullptr;
  if (plan.workspace == 0) return true;
  try {
    plan.memory = workspace_(static_cast<std::size_t>(plan.workspace));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exhausted) throw;
    return false;  // another plan may need less
  }
  return true;
}

// In milliseconds; infinity if it fails.
float Convolutions::time(Plan& plan, const gpu::Convolution& convolution, std::int64_t candidate) {
  constexpr int repeats = 5;
  float milliseconds = 0;
  if (!take(plan, candidate)) return std::numeric_limits<float>::infinity();
  try {
    // In bf16 it takes less than the room it has.
    void* const gradient = convolution.kernel_gradient;
    execute(plan, convolution, gradient);
    const CudaEvent begin = make_event(true), end = make_event(true);
    check_cuda(cudaEventRecord(begin.get(), stream_), "measuring");
    for (int i = 0; i < repeats; ++i) execute(plan, convolution, gradient);
    check_cuda(cudaEventRecord(end.get(), stream_), "measuring");
    check_cuda(cudaEventSynchronize(end.get()), "measuring");
    check_cuda(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()), "measuring");
  } catch (const Error&) {
    return std::numeric_limits<float>::infinity();
  }
  return milliseconds;
}

void Convolutions::run(const gpu::Convolution& convolution, void* kernel_gradient) {
  execute(*plans_.at(describe(convolution)), convolution, kernel_gradient);
}

void Convolutions::execute(Plan& plan, const gpu::Convolution& convolution, void* kernel_gradient) {
  const bool is_gradient = convolution.kind == gpu::ConvolutionKind::kernel_gradient;
  std::unordered_map<std::int64_t, void*> tensors{
      {static_cast<std::int64_t>(GraphTensor::x), convolution.x.data},
      {static_cast<std::int64_t>(GraphTensor::y), convolution.y.data},
      {static_cast<std::int64_t>(GraphTensor::kernel),
       is_gradient ? kernel_gradient : const_cast<void*>(convolution.kernel)}};
  if (plan.options.with_epilogue && convolution.bias != nullptr) {
    tensors[static_cast<std::int64_t>(GraphTensor::bias)] = const_cast<float*>(convolution.bias);
  }
  check_graph(plan.graph->execute_plan_at_index(handle_.get(), tensors, plan.memory, plan.chosen),
              describe(convolution).c_str());
}

}  // namespace headrace::cuda
