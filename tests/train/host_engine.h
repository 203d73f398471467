#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "headrace/train/backend.h"
#include "headrace/train/gpu/engine.h"

namespace headrace {

// Stands in for a GPU: runs the kernels' own code on the host, in another order of items, and
// products and convolutions by their definitions. Memory is never cleared by itself: what a plan
// does not write is not a number. A lazy one does nothing before someone waits for it, and then no
// more than is waited for.
class HostEngine : public gpu::Engine {
 public:
  explicit HostEngine(std::size_t memory = std::size_t{1} << 40, bool is_lazy = false)
      : free_(memory), is_lazy_(is_lazy) {}
  std::string name() const override { return "host"; }
  std::shared_ptr<std::byte> allocate(std::size_t bytes, const char* what) override;
  std::size_t free_bytes() const override { return free_; }
  void copy_in(void* to, const void* from, std::size_t bytes) override;
  void copy_out(void* to, const void* from, std::size_t bytes) override;
  std::unique_ptr<gpu::Reading> make_reading(std::size_t bytes) override;
  void clear(void* memory, std::size_t bytes) override;
  void wait() override;
  void run(const gpu::EachKernel& kernel) override;
  void run(const gpu::ColumnKernel& kernel) override;
  void run(const gpu::SegmentKernel& kernel) override;
  void run(const gpu::Product& product) override;
  void run(const gpu::Convolution& convolution) override;
  std::unique_ptr<gpu::Recording> record(const std::function<void()>& work) override;
  void* stream() override { return nullptr; }

  int recorded = 0;  // how often record() was called
  int kernels = 0;   // that were given
  int waits = 0;     // for all work

 private:
  class HostReading;
  void queue(std::function<void()> work);
  bool do_next();

  std::size_t free_;
  bool is_lazy_;
  std::deque<std::function<void()>> queue_;
};

// Plans of an engine.
class EngineBackend : public Backend {
 public:
  explicit EngineBackend(std::shared_ptr<gpu::Engine> engine) : engine_(std::move(engine)) {}
  std::string name() const override { return engine_->name(); }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override;

 private:
  std::shared_ptr<gpu::Engine> engine_;
};

}  // namespace headrace
