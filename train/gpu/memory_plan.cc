#include <algorithm>
#include <limits>

#include "headrace/train/gpu/program.h"

namespace headrace::gpu {
namespace {

constexpr std::size_t alignment = 256;

// Lets operations say what they would do.
class Rehearsal : public Engine {
 public:
  std::string name() const override { return "rehearsal"; }
  std::shared_ptr<std::byte> allocate(std::size_t, const char*) override { return {}; }
  std::size_t free_bytes() const override { return 0; }
  void copy_in(void*, const void*, std::size_t) override {}
  void copy_out(void*, const void*, std::size_t) override {}
  std::unique_ptr<Reading> make_reading(std::size_t) override { return {}; }
  void clear(void*, std::size_t) override {}
  void wait() override {}
  void run(const EachKernel&) override {}
  void run(const ColumnKernel&) override {}
  void run(const SegmentKernel&) override {}
  void run(const Product&) override {}
  void run(const Convolution&) override {}
  std::unique_ptr<Recording> record(const std::function<void()>&) override { return {}; }
  void* stream() override { return nullptr; }
};

}  // namespace

MemoryPlan plan_memory(const Program& program, std::int64_t rows, bool training) {
  constexpr int never = std::numeric_limits<int>::max();
  std::vector<Lifetime> lives(program.row_bytes.size());
  for (std::size_t i = 0; i < lives.size(); ++i) {
    const std::size_t bytes = program.row_bytes[i] * static_cast<std::size_t>(rows);
    lives[i].bytes = (bytes + alignment - 1) / alignment * alignment;
    lives[i].first = never;
    lives[i].last = -1;
  }
  Rehearsal nobody;
  Pass pass{nobody};
  // Never looked at; but not null, so that places in them can be told.
  alignas(alignment) static std::byte anywhere[alignment];
  pass.parameters = pass.gradients = pass.state = reinterpret_cast<float*>(anywhere);
  pass.halves = reinterpret_cast<std::uint16_t*>(anywhere);
  pass.rows = rows;
  pass.training = training;
  pass.lifetimes = &lives;
  // All inputs are there before anything is done.
  for (const Program::Input& input : program.inputs) (void)pass.array(input.view);
  for (const Program::Step& step : program.steps) {
    ++pass.time;
    step.operation->forward(pass);
  }
  ++pass.time;
  (void)pass.array(program.logits);
  if (training) (void)pass.array(program.logits_gradient);
  for (auto step = program.steps.rbegin(); training && step != program.steps.rend(); ++step) {
    ++pass.time;
    if (step->has_backward) step->operation->backward(pass);
  }
  for (Lifetime& life : lives) {
    if (life.last < 0) life.bytes = 0;
  }
  MemoryPlan plan;
  plan.bytes = cpu::place(lives);
  for (const Lifetime& life : lives) plan.offsets.push_back(life.offset);
  return plan;
}

}  // namespace headrace::gpu
