#include "headrace/train/cpu/optimizer_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "headrace/train/cpu/clones.h"

namespace headrace::cpu {
namespace {

constexpr std::size_t piece_size = 8'192;  // floats: with all their state they stay in the cache
constexpr std::size_t grain = 4;           // pieces worth another thread

float narrow(double value) { return static_cast<float>(value); }

// What is done with the gradients and weights of a piece before its optimizer's own formula.
struct Before {
  float scale = 1;                                       // of gradients
  float limit = std::numeric_limits<float>::infinity();  // that they are cut off at
  float decay = 0;                                       // share of the weights that is lost

  float gradient(float g) const {
    const float scaled = g * scale;
    const float above = scaled < -limit ? -limit : scaled;
    return above > limit ? limit : above;
  }
  float weight(float w) const { return w - w * decay; }
};

}  // namespace

// Each kind as one pass over its arrays, `n` elements.
namespace passes {

HEADRACE_CLONES
void sgd(std::size_t n, const float* __restrict g, float* __restrict w, const Before at,
         float rate) {
  for (std::size_t i = 0; i < n; ++i) w[i] = at.weight(w[i]) - rate * at.gradient(g[i]);
}

HEADRACE_CLONES
void momentum(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict v,
              const Before at, float rate, float decay) {
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = decay * v[i] - rate * at.gradient(g[i]);
    w[i] = at.weight(w[i]) + v[i];
  }
}

HEADRACE_CLONES
void nesterov(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict v,
              const Before at, float rate, float decay) {
  for (std::size_t i = 0; i < n; ++i) {
    const float change = rate * at.gradient(g[i]);
    v[i] = decay * v[i] - change;
    w[i] = at.weight(w[i]) + (decay * v[i] - change);
  }
}

HEADRACE_CLONES
void adam(std::size_t n, const float* __restrict g, float* __restrict w, float* __restrict m,
          float* __restrict s, const Before at, float rate, float keep_1, float keep_2,
          float epsilon) {
  for (std::size_t i = 0; i < n; ++i) {
    const float slope = at.gradient(g[i]);
    m[i] += keep_1 * (slope - m[i]);
    s[i] += keep_2 * (slope * slope - s[i]);
    w[i] = at.weight(w[i]) - rate * m[i] / (std::sqrt(s[i]) + epsilon);
  }
}

// `u` takes the change of the weights, which rmsprop_move() then makes.
HEADRACE_CLONES
void rmsprop(std::size_t n, const float* __restrict g, float* __restrict s, float* __restrict u,
             const Before at, float rate, float rho, float keep, float epsilon) {
  for (std::size_t i = 0; i < n; ++i) {
    const float slope = at.gradient(g[i]);
    s[i] = rho * s[i] + keep * slope * slope;
    u[i] = rate * slope / std::sqrt(s[i] + epsilon);
  }
}

HEADRACE_CLONES
void rmsprop_centered(std::size_t n, const float* __restrict g, float* __restrict s,
                      float* __restrict a, float* __restrict u, const Before at, float rate,
                      float rho, float keep, float epsilon) {
  for (std::size_t i = 0; i < n; ++i) {
    const float slope = at.gradient(g[i]);
    s[i] = rho * s[i] + keep * slope * slope;
    a[i] = rho * a[i] + keep * slope;
    u[i] = rate * slope / std::sqrt(s[i] - a[i] * a[i] + epsilon);
  }
}

HEADRACE_CLONES
void move(std::size_t n, const float* __restrict u, float* __restrict w, const Before at) {
  for (std::size_t i = 0; i < n; ++i) w[i] = at.weight(w[i]) - u[i];
}

HEADRACE_CLONES
void accumulate(std::size_t n, const float* __restrict u, float* __restrict v, float decay) {
  for (std::size_t i = 0; i < n; ++i) v[i] = decay * v[i] + u[i];
}

HEADRACE_CLONES
void average(std::size_t n, const float* __restrict w, float* __restrict a, float keep,
             float take) {
  for (std::size_t i = 0; i < n; ++i) a[i] = keep * a[i] + take * w[i];
}

HEADRACE_CLONES
double sum_of_squares(std::size_t n, const float* g) {
  std::array<double, 16> lanes{};
  const std::size_t whole = n / lanes.size() * lanes.size();
  for (std::size_t i = 0; i < whole; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      const double value = g[i + lane];
      lanes[lane] += value * value;
    }
  }
  double sum = 0;
  for (std::size_t i = whole; i < n; ++i) sum += static_cast<double>(g[i]) * g[i];
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace passes

namespace {

struct Arrays {
  std::size_t first;
  std::size_t size;
  const float* gradients;
  float* parameters;
  std::span<float* const> slots;

  const float* g() const { return gradients + first; }
  float* w() const { return parameters + first; }
  float* slot(std::size_t k) const { return slots[k] + first; }
};

void step(const Sgd& sgd, double rate, std::uint64_t, const Before& at, const Arrays& a) {
  const float decay = narrow(sgd.momentum);
  if (sgd.momentum == 0) {
    passes::sgd(a.size, a.g(), a.w(), at, narrow(rate));
  } else if (sgd.nesterov) {
    passes::nesterov(a.size, a.g(), a.w(), a.slot(0), at, narrow(rate), decay);
  } else {
    passes::momentum(a.size, a.g(), a.w(), a.slot(0), at, narrow(rate), decay);
  }
}

template <class AnyAdam>
void adam_step(const AnyAdam& adam, double rate, std::uint64_t step, const Before& at,
               const Arrays& a) {
  const auto t = static_cast<double>(step);
  const double corrected =
      rate * std::sqrt(1 - std::pow(adam.beta_2, t)) / (1 - std::pow(adam.beta_1, t));
  passes::adam(a.size, a.g(), a.w(), a.slot(0), a.slot(1), at, narrow(corrected),
               narrow(1 - adam.beta_1), narrow(1 - adam.beta_2), narrow(adam.epsilon));
}
void step(const Adam& adam, double rate, std::uint64_t t, const Before& at, const Arrays& a) {
  adam_step(adam, rate, t, at, a);
}
void step(const AdamW& adam, double rate, std::uint64_t t, const Before& at, const Arrays& a) {
  adam_step(adam, rate, t, at, a);
}

void step(const RmsProp& rms, double rate, std::uint64_t, const Before& at, const Arrays& a) {
  const float rho = narrow(rms.rho), keep = narrow(1 - rms.rho), epsilon = narrow(rms.epsilon);
  std::array<float, piece_size> change;
  if (rms.centered) {
    float* average = a.slot(rms.momentum != 0 ? 2 : 1);
    passes::rmsprop_centered(a.size, a.g(), a.slot(0), average, change.data(), at, narrow(rate),
                             rho, keep, epsilon);
  } else {
    passes::rmsprop(a.size, a.g(), a.slot(0), change.data(), at, narrow(rate), rho, keep, epsilon);
  }
  if (rms.momentum == 0) return passes::move(a.size, change.data(), a.w(), at);
  passes::accumulate(a.size, change.data(), a.slot(1), narrow(rms.momentum));
  passes::move(a.size, a.slot(1), a.w(), at);
}

void average(const UpdateOptions& options, std::uint64_t t, const Arrays& a) {
  float* averages = a.slot(a.slots.size() - 1);
  const double keep = t == 1 ? 0 : options.ema_momentum;
  passes::average(a.size, a.w(), averages, narrow(keep), narrow(1 - keep));
  if (options.ema_overwrite_frequency > 0 && t % options.ema_overwrite_frequency == 0) {
    std::copy_n(averages, a.size, a.w());
  }
}

}  // namespace

OptimizerStep::OptimizerStep(const Optimizer& optimizer, const Graph& graph,
                             const ParameterArena& arena)
    : optimizer_(optimizer) {
  const UpdateOptions& options = update_options(optimizer);
  for (std::size_t layer = 0; layer < graph.layers().size(); ++layer) {
    const Graph::LayerEntry& entry = graph.layers()[layer];
    for (std::size_t p = 0; p < entry.parameters.size(); ++p) {
      const ParameterSpec& spec = entry.parameters[p];
      if (!spec.trainable) continue;
      Piece piece;
      piece.parameter = scales_.size();
      piece.decays = decays(options, entry.name + "/" + spec.name);
      const std::size_t place = arena.place(static_cast<Graph::LayerId>(layer), p);
      const auto size = static_cast<std::size_t>(spec.shape.elements());
      for (std::size_t done = 0; done < size; done += piece.size) {
        piece.first = place + done;
        piece.size = std::min(piece_size, size - done);
        pieces_.push_back(piece);
      }
      scales_.push_back(1);
    }
  }
  squares_.resize(pieces_.size());
}

// How much each parameter's gradient is scaled down. Squares are added up by piece, then in the
// order of pieces.
void OptimizerStep::measure(const float* gradients, Team& team) {
  const UpdateOptions& options = update_options(optimizer_);
  const double most = std::max(options.clipnorm, options.global_clipnorm);
  if (most == 0) return;
  team.run_ranges(pieces_.size(), grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      squares_[i] = passes::sum_of_squares(pieces_[i].size, gradients + pieces_[i].first);
    }
  });
  std::vector<double> sums(scales_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) sums[pieces_[i].parameter] += squares_[i];
  double all = 0;
  for (const double sum : sums) all += sum;
  for (std::size_t p = 0; p < scales_.size(); ++p) {
    const double norm = std::sqrt(options.clipnorm > 0 ? sums[p] : all);
    scales_[p] = norm > most ? narrow(most / norm) : 1.0f;
  }
}

void OptimizerStep::run(double learning_rate, std::uint64_t t, const float* gradients,
                        float* parameters, std::span<float* const> slots, Team& team) {
  measure(gradients, team);
  const UpdateOptions& options = update_options(optimizer_);
  Before all;
  if (options.clipvalue > 0) all.limit = narrow(options.clipvalue);
  const float decay = narrow(weight_decay(optimizer_) * learning_rate);
  team.run_ranges(pieces_.size(), grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const Piece& piece = pieces_[i];
      Before at = all;
      at.scale = scales_[piece.parameter];
      at.decay = piece.decays ? decay : 0;
      const Arrays arrays{piece.first, piece.size, gradients, parameters, slots};
      std::visit([&](const auto& kind) { step(kind, learning_rate, t, at, arrays); }, optimizer_);
      if (options.use_ema) average(options, t, arrays);
    }
  });
}

}  // namespace headrace::cpu
