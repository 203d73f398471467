#include "headrace/train/gpu/update_step.h"

#include <algorithm>
#include <cmath>

#include "headrace/pipeline/error.h"

namespace headrace::gpu {
namespace {

constexpr std::size_t piece_size = 16'384;  // floats whose squares one block of threads adds up

float narrow(double value) { return static_cast<float>(value); }

template <class T>
T* as(const std::shared_ptr<std::byte>& memory) {
  return reinterpret_cast<T*>(memory.get());
}

struct Filled {
  void operator()(const Sgd& sgd) const {
    kernel.kind = sgd.momentum == 0 ? UpdateKind::sgd
                  : sgd.nesterov    ? UpdateKind::nesterov
                                    : UpdateKind::momentum;
    kernel.first = narrow(sgd.momentum);
  }
  template <class AnyAdam>
  void adam(const AnyAdam& adam) const {
    kernel.kind = UpdateKind::adam;
    kernel.first = narrow(1 - adam.beta_1);
    kernel.second = narrow(1 - adam.beta_2);
    kernel.epsilon = narrow(adam.epsilon);
  }
  void operator()(const Adam& one) const { adam(one); }
  void operator()(const AdamW& one) const { adam(one); }
  void operator()(const RmsProp& rms) const {
    kernel.kind = UpdateKind::rmsprop;
    kernel.centered = rms.centered;
    kernel.has_momentum = rms.momentum != 0;
    kernel.first = narrow(rms.rho);
    kernel.second = narrow(1 - rms.rho);
    kernel.epsilon = narrow(rms.epsilon);
    kernel.momentum = narrow(rms.momentum);
  }
  Update& kernel;
};

// Adam's rate has its corrections in it.
struct Rate {
  double operator()(const Sgd&) const { return rate; }
  double operator()(const RmsProp&) const { return rate; }
  template <class AnyAdam>
  double operator()(const AnyAdam& adam) const {
    return rate * std::sqrt(1 - std::pow(adam.beta_2, t)) / (1 - std::pow(adam.beta_1, t));
  }
  double rate;
  double t;
};

}  // namespace

UpdateStep::UpdateStep(const Optimizer& optimizer, const Graph& graph,
                       const cpu::ParameterArena& arena, Engine& engine)
    : optimizer_(optimizer), engine_(engine), size_(static_cast<std::int64_t>(arena.size())) {
  const UpdateOptions& options = update_options(optimizer);
  std::vector<std::uint16_t> owners(arena.size() / places_of_owner);
  std::vector<ParameterRule> rules;
  std::vector<GradientPiece> pieces;
  for (std::size_t layer = 0; layer < graph.layers().size(); ++layer) {
    const Graph::LayerEntry& entry = graph.layers()[layer];
    for (std::size_t p = 0; p < entry.parameters.size(); ++p) {
      const ParameterSpec& spec = entry.parameters[p];
      if (!spec.trainable) continue;
      if (rules.size() > 0xffff) {
        throw Error(ErrorCode::unsupported, "the GPU backend trains at most 65,536 parameters");
      }
      const std::size_t place = arena.place(static_cast<Graph::LayerId>(layer), p);
      const auto size = static_cast<std::size_t>(spec.shape.elements());
      const auto number = static_cast<std::uint16_t>(rules.size());
      const std::size_t first = place / places_of_owner;
      const std::size_t last = (place + size + places_of_owner - 1) / places_of_owner;
      std::fill(owners.begin() + static_cast<std::ptrdiff_t>(first),
                owners.begin() + static_cast<std::ptrdiff_t>(last), number);
      for (std::size_t done = 0; done < size; done += piece_size) {
        pieces.push_back({static_cast<std::int64_t>(place + done),
                          static_cast<std::int64_t>(std::min(piece_size, size - done)), number});
      }
      ParameterRule rule;
      rule.decays = decays(options, entry.name + "/" + spec.name) ? 1 : 0;
      rules.push_back(rule);
    }
  }
  parameters_ = static_cast<std::uint32_t>(rules.size());
  pieces_ = static_cast<std::int64_t>(pieces.size());
  const auto place = [&](std::size_t bytes, const void* from) {
    auto memory = engine.allocate(bytes, "the optimizer");
    if (from != nullptr && bytes > 0) engine.copy_in(memory.get(), from, bytes);
    bytes_ += bytes;
    return memory;
  };
  scalars_ = place(sizeof(UpdateScalars), nullptr);
  owners_ = place(owners.size() * sizeof owners[0], owners.data());
  rules_ = place(rules.size() * sizeof rules[0], rules.data());
  piece_table_ = place(pieces.size() * sizeof pieces[0], pieces.data());
  squares_ = place(pieces.size() * sizeof(double), nullptr);
}

void UpdateStep::set(double learning_rate, std::uint64_t step) {
  const UpdateOptions& options = update_options(optimizer_);
  UpdateScalars scalars;
  scalars.rate = narrow(std::visit(Rate{learning_rate, static_cast<double>(step)}, optimizer_));
  scalars.decay = narrow(weight_decay(optimizer_) * learning_rate);
  const double keep = step == 1 ? 0 : options.ema_momentum;
  scalars.average_keep = narrow(keep);
  scalars.average_take = narrow(1 - keep);
  scalars.overwrite =
      options.ema_overwrite_frequency > 0 && step % options.ema_overwrite_frequency == 0 ? 1 : 0;
  engine_.copy_in(scalars_.get(), &scalars, sizeof scalars);
}

Update UpdateStep::kernel() const {
  const UpdateOptions& options = update_options(optimizer_);
  Update kernel;
  std::visit(Filled{kernel}, optimizer_);
  kernel.limit = narrow(options.clipvalue);
  kernel.size = size_;
  kernel.scalars = as<UpdateScalars>(scalars_);
  kernel.owners = as<std::uint16_t>(owners_);
  kernel.rules = as<ParameterRule>(rules_);
  return kernel;
}

bool UpdateStep::clips() const {
  const UpdateOptions& options = update_options(optimizer_);
  return options.clipnorm > 0 || options.global_clipnorm > 0;
}

void UpdateStep::measure(const float* gradients, std::uint32_t* halt) const {
  SquarePieces squares;
  squares.pieces = pieces_;
  squares.of = as<GradientPiece>(piece_table_);
  squares.gradients = gradients;
  squares.squares = as<double>(squares_);
  squares.halt = halt;
  engine_.run(squares);
}

void UpdateStep::run(const Arenas& arenas) const {
  const UpdateOptions& options = update_options(optimizer_);
  const double most = std::max(options.clipnorm, options.global_clipnorm);
  if (size_ == 0) return;
  if (most > 0) {
    ScaleDown scale;
    scale.pieces = pieces_;
    scale.parameters = parameters_;
    scale.of = as<GradientPiece>(piece_table_);
    scale.squares = as<double>(squares_);
    scale.global = options.clipnorm == 0;
    scale.most = most;
    scale.rules = as<ParameterRule>(rules_);
    engine_.run(scale);
  }
  Update update = kernel();
  update.gradients = arenas.gradients;
  update.weights = arenas.parameters;
  update.halves = arenas.halves;
  update.halt = arenas.halt;
  const std::size_t moments = arenas.slots.size() - (options.use_ema ? 1 : 0);
  for (std::size_t slot = 0; slot < moments; ++slot) update.slots[slot] = arenas.slots[slot];
  if (options.use_ema) update.average = arenas.slots.back();
  engine_.run(update);
}

}  // namespace headrace::gpu
