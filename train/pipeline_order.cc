#include "headrace/train/pipeline_order.h"

#include <algorithm>
#include <utility>

namespace headrace {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

class Scheduler {
 public:
  Scheduler(const PartMakers& makers, std::size_t micro_batches, bool training)
      : makers_(makers),
        readers_(makers.size()),
        training_(training),
        micro_batches_(micro_batches),
        parts_(makers.size()) {
    for (std::size_t part = 0; part < makers.size(); ++part) {
      for (const std::size_t maker : makers[part]) readers_[maker].push_back(part);
      parts_[part].forward.assign(micro_batches, none);
      parts_[part].backward.assign(micro_batches, none);
    }
    for (std::size_t part = makers.size(); part-- > 0;) {
      for (const std::size_t reader : readers_[part]) {
        parts_[part].ahead = std::max(parts_[part].ahead, parts_[reader].ahead + 1);
      }
    }
    order_.lanes = std::min(micro_batches, makers.size());
  }

  PipelineOrder run() {
    for (std::size_t before = none; before != order_.passes.size();) {
      before = order_.passes.size();
      for (std::size_t part = 0; part < parts_.size(); ++part) go_forward(part);
      if (!training_) continue;
      for (std::size_t part = parts_.size(); part-- > 0;) go_backward(part);
    }
    return std::move(order_);
  }

 private:
  struct Part {
    std::vector<std::size_t> forward, backward;  // number of the pass of each micro-batch
    std::size_t forwards = 0, backwards = 0;     // done
    std::size_t ahead = 0;                       // parts between it and the end
  };

  bool is_last(std::size_t part) const { return part + 1 == parts_.size(); }

  // The passes that these parts do with it; nothing if one has not come to it.
  bool find(const std::vector<std::size_t>& parts, std::size_t micro_batch, bool backward,
            std::vector<std::size_t>& found) const {
    for (const std::size_t part : parts) {
      const Part& other = parts_[part];
      const bool second = backward && !is_last(part);
      const std::size_t pass = (second ? other.backward : other.forward)[micro_batch];
      if (pass == none) return false;
      found.push_back(pass);
    }
    return true;
  }

  void go_forward(std::size_t number) {
    Part& part = parts_[number];
    const std::size_t micro_batch = part.forwards;
    if (micro_batch == micro_batches_) return;
    if (training_ && !is_last(number) && micro_batch > part.backwards + part.ahead) return;
    PipelinePass pass{number, micro_batch, false, {}};
    if (!find(makers_[number], micro_batch, false, pass.after)) return;
    // Readers are done with what lies in the lane.
    if (!training_ && micro_batch >= order_.lanes &&
        !find(readers_[number], micro_batch - order_.lanes, false, pass.after)) {
      return;
    }
    part.forward[micro_batch] = order_.passes.size();
    ++part.forwards;
    order_.passes.push_back(std::move(pass));
  }

  void go_backward(std::size_t number) {
    Part& part = parts_[number];
    const std::size_t micro_batch = part.backwards;
    if (is_last(number) || micro_batch == part.forwards) return;
    // It goes ahead first.
    if (part.forwards < std::min(micro_batches_, micro_batch + part.ahead + 1)) return;
    PipelinePass pass{number, micro_batch, true, {}};
    if (!find(readers_[number], micro_batch, true, pass.after)) return;
    part.backward[micro_batch] = order_.passes.size();
    ++part.backwards;
    order_.passes.push_back(std::move(pass));
  }

  const PartMakers& makers_;
  PartMakers readers_;
  bool training_;
  std::size_t micro_batches_;
  std::vector<Part> parts_;
  PipelineOrder order_;
};

}  // namespace

PipelineOrder pipeline_order(const PartMakers& makers, std::size_t micro_batches, bool training) {
  return Scheduler(makers, micro_batches, training).run();
}

}  // namespace headrace
