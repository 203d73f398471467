#include "headrace/train/cpu/cpu_part.h"

#include <utility>

namespace headrace::cpu {
namespace {

ProgramEnds ends_of(const GraphPart& part, const PartLinks& links) {
  ProgramEnds ends;
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    ends.inputs.push_back({part.inputs[i].node, links.inputs[i].gradients != nullptr});
  }
  for (std::size_t i = 0; i < part.outputs.size(); ++i) {
    ends.outputs.push_back({part.outputs[i].node, links.outputs[i].gradients.size()});
  }
  ends.has_output = part.has_output;
  ends.origin = part.origin;
  return ends;
}

// In the order of Program::links. What comes from other parts is only read.
std::vector<float*> memory_of(const PartLinks& links) {
  std::vector<float*> memory;
  for (const PartLinks::Input& input : links.inputs) {
    memory.push_back(const_cast<float*>(input.values));
    memory.push_back(input.gradients);
  }
  for (const PartLinks::Output& output : links.outputs) {
    memory.push_back(output.values);
    for (const float* gradients : output.gradients) {
      memory.push_back(const_cast<float*>(gradients));
    }
  }
  return memory;
}

}  // namespace

CpuPart::CpuPart(const GraphPart& part, const PlanOptions& options, PartLinks links)
    : options_(options),
      arena_(part.graph),
      parameters_(arena_.size_of_all()),
      executor_(part.graph, arena_, options, ends_of(part, links)) {
  executor_.set_links(memory_of(links));
  if (part.has_output) loss_.emplace(part.graph, options.loss, options.metrics);
}

void CpuPart::forward(const StepInput& input, Work work, std::span<float> predictions) {
  input_ = input;
  bound_ = bind_batch(executor_.program(), input_, options_.batch_size);
  job_ = {};
  job_.input = &input_;
  job_.bound = &bound_;
  job_.training = work == Work::train;
  job_.parameters = parameters_.data();
  job_.version = version_;
  if (loss_ && work == Work::predict) {
    job_.predictions = predictions.data();
  } else if (loss_) {
    job_.loss = &*loss_;
    job_.labels = loss_->bind(input_, options_.label_field);
  }
  executor_.run(job_);
}

void CpuPart::update_statistics() {
  executor_.update_statistics(parameters_.data());
  ++version_;
}

}  // namespace headrace::cpu
