#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/backend.h"
#include "headrace/train/cpu/cpu_part.h"
#include "headrace/train/cpu/cpu_plan.h"
#include "headrace/train/cpu/onednn.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/placed_plan.h"
#include "headrace/train/placement.h"

namespace headrace {
namespace {

void require_cpus(const Graph& graph) {
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const auto& device = graph.nodes()[id].device;
    if (!device || device->kind == DeviceKind::cpu) continue;
    std::string reason = gpu_devices().reason;
    if (!reason.empty()) reason = " (" + reason + ")";
    throw Error(ErrorCode::unsupported, "layer " + name_of(graph, static_cast<Graph::NodeId>(id)) +
                                            " is placed on " + to_string(*device) +
                                            ", but this model is computed by CPUs" + reason +
                                            ": place it on cpu:0, or nowhere");
  }
}

class CpuBackend : public Backend {
 public:
  std::string name() const override {
    const dnnl_version_t& version = *dnnl_version();
    return "cpu (oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) +
           "." + std::to_string(version.patch) + (cpu::has_bf16() ? ", f32 and bf16)" : ", f32)");
  }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override {
    require_cpus(graph);
    if (devices_of(graph).size() <= 1) return std::make_unique<cpu::CpuPlan>(graph, options);
    return std::make_unique<PlacedPlan>(
        graph, options, [](const GraphPart& part, const PlanOptions& own, PartLinks links) {
          return std::make_unique<cpu::CpuPart>(part, own, std::move(links));
        });
  }
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace headrace
