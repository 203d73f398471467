#include <string>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/cpu_plan.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace {
namespace {

class CpuBackend : public Backend {
 public:
  std::string name() const override {
    const dnnl_version_t& version = *dnnl_version();
    return "cpu (oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) +
           "." + std::to_string(version.patch) + (cpu::has_bf16() ? ", f32 and bf16)" : ", f32)");
  }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override {
    return std::make_unique<cpu::CpuPlan>(graph, options);
  }
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace headrace
