// How the trainers of several processes stay together.

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/train/trainer_impl.h"
#include "headrace/train/training_state_json.h"

namespace headrace {
namespace {

struct Fact {
  const char* name;
  std::uint64_t value;
};

std::uint64_t hash(const std::string& text) { return Fingerprint().add(text).value(); }

void add(Fingerprint& hash, const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& tensor : tensors) {
    hash.add(tensor.name).add(std::as_bytes(std::span(tensor.values)));
  }
}

std::uint64_t hash_of_weights(const Plan& plan) {
  Fingerprint all;
  add(all, plan.parameters());
  add(all, plan.optimizer_state());
  return all.value();
}

// What the processes' facts are, by rank.
template <std::size_t Count>
std::vector<std::array<std::uint64_t, Count>> gather(Replica& replica,
                                                     const std::array<std::uint64_t, Count>& own,
                                                     std::chrono::milliseconds timeout) {
  const auto ranks = static_cast<std::size_t>(replica.communicator().world_size());
  const auto rank = static_cast<std::size_t>(replica.communicator().rank());
  std::vector<std::array<std::uint64_t, Count>> all(ranks);
  std::vector<float> buffer(sizeof own / sizeof(float) * ranks);
  std::memcpy(buffer.data() + sizeof own / sizeof(float) * rank, own.data(), sizeof own);
  replica.gather(buffer, timeout);
  std::memcpy(all.data(), buffer.data(), ranks * sizeof own);
  return all;
}

// "rank 2", "rank 1 and rank 3": those whose value is not the one that most have, or, where as many
// have another, rank 0's. Empty: all have the same.
std::string ranks_apart(Replica& replica, std::uint64_t value, std::chrono::milliseconds timeout) {
  const auto all = gather<1>(replica, {value}, timeout);
  const auto votes = [&](const auto& one) { return std::count(all.begin(), all.end(), one); };
  auto usual = all[0];
  for (const auto& one : all) {
    if (votes(one) > votes(usual)) usual = one;
  }
  std::string names;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank] == usual) continue;
    names += (names.empty() ? "rank " : " and rank ") + std::to_string(rank);
  }
  return names;
}

void take_from_rank_0(Replica& replica, std::vector<NamedTensor>& tensors,
                      std::chrono::milliseconds timeout) {
  for (NamedTensor& tensor : tensors) replica.take_from_rank_0(tensor.values, timeout);
}

}  // namespace

ProcessShare Trainer::Impl::share_of(const Batch& batch) const {
  if (processes() == 1) return {&batch, 0, batch.size(), batch.size()};
  const Shard shard{.rank = process(), .world_size = processes(), .mode = shard_mode};
  const std::int64_t total = shared_samples(batch.end().sample - batch.begin().sample, shard);
  const Share share = headrace::share_of(total, {.rank = process(), .world_size = processes()});
  if (share.samples != batch.valid_rows()) {
    throw Error(ErrorCode::invalid_argument,
                "a batch of " + std::to_string(batch.valid_rows()) +
                    " samples where this process's share of it is " +
                    std::to_string(share.samples) + ": give the loader the shard {" +
                    std::to_string(process()) + ", " + std::to_string(processes()) + "}");
  }
  return {&batch, share.first, share.samples, total};
}

StepSettings Trainer::Impl::settings() const {
  // Within one process gradients are added up where they lie, and not before all are there.
  const std::size_t everything = static_cast<std::size_t>(-1);
  return {.seed = options.seed,
          .step = total_steps,
          .learning_rate = rate(),
          .parts = options.accumulate,
          .bucket = processes() == 1 ? everything : options.bucket_bytes / sizeof(float),
          .timeout = options.rank_timeout};
}

bool Trainer::Impl::any(bool own) {
  if (processes() == 1) return own;
  bool found = false;
  on_every_replica([&](Replica& replica, int number) {
    const bool heard = replica.any(own, options.rank_timeout);
    if (number == 0) found = heard;
  });
  return found;
}

void Trainer::Impl::abort_group(const char* reason) noexcept {
  if (processes() > 1) replicas[0].abort(reason);
}

void Trainer::Impl::require_own_shard(const Loader& data) {
  const Shard& shard = data.options().shard;
  shard_mode = shard.mode;
  if (shard.rank == process() && shard.world_size == processes()) return;
  const std::string what = "the loader gives rank " + std::to_string(shard.rank) + " of " +
                           std::to_string(shard.world_size) + " its share of each batch: ";
  throw Error(ErrorCode::invalid_argument,
              processes() == 1 ? what + "a trainer of one process needs whole batches"
                               : what + "this trainer is process " + std::to_string(process()) +
                                     " of " + std::to_string(processes()));
}

void Trainer::Impl::synchronize() {
  if (synchronized || processes() == 1) return;
  const StreamState at = stream.value_or(StreamState{});
  const std::array facts{
      Fact{"model", hash(graph.to_json())},
      Fact{"batch size", static_cast<std::uint64_t>(options.batch_size)},
      Fact{"optimizer", hash(to_json(options.optimizer))},
      Fact{"schedule", hash(options.schedule ? to_string(*options.schedule) : "")},
      Fact{"seed", options.seed},
      Fact{"number of steps done", total_steps},
      Fact{"number of epochs done", history.size()},
      Fact{"epoch", at.position.epoch},
      Fact{"place in the epoch", static_cast<std::uint64_t>(at.position.sample)},
      Fact{"data", at.fingerprint},
      Fact{"kind of shards", static_cast<std::uint64_t>(shard_mode)}};
  std::array<std::uint64_t, std::tuple_size_v<decltype(facts)>> own{};
  for (std::size_t i = 0; i < facts.size(); ++i) own[i] = facts[i].value;
  const std::uint64_t weights = hash_of_weights(replicas[0].plan());

  on_every_replica([&](Replica& replica, int) {
    const auto all = gather(replica, own, options.rank_timeout);
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
      for (std::size_t i = 0; i < facts.size(); ++i) {
        if (all[rank][i] == all[0][i]) continue;
        throw Error(ErrorCode::invalid_argument, "rank " + std::to_string(rank) +
                                                     " and rank 0 cannot train together: their " +
                                                     facts[i].name + " differs");
      }
    }
    if (ranks_apart(replica, weights, options.rank_timeout).empty()) return;
    std::vector<NamedTensor> parameters = replica.plan().parameters();
    std::vector<NamedTensor> state = replica.plan().optimizer_state();
    take_from_rank_0(replica, parameters, options.rank_timeout);
    take_from_rank_0(replica, state, options.rank_timeout);
    replica.plan().set_parameters(parameters);
    replica.plan().set_optimizer_state(state);
    const std::string apart =
        ranks_apart(replica, hash_of_weights(replica.plan()), options.rank_timeout);
    if (apart.empty()) return;
    throw Error(ErrorCode::backend,
                "the weights of " + apart + " are others after rank 0 has sent its own to all");
  });
  synchronized = true;
}

void Trainer::Impl::require_same_weights() {
  if (replicas[0].communicator().world_size() == 1) return;
  std::string apart;
  on_every_replica([&](Replica& replica, int number) {
    const std::string found =
        ranks_apart(replica, hash_of_weights(replica.plan()), options.rank_timeout);
    if (number == 0) apart = found;
  });
  if (apart.empty()) return;
  weights_lost = state_lost = true;
  throw Error(ErrorCode::backend,
              "after epoch " + std::to_string(stream->position.epoch + 1) + " the weights of " +
                  apart +
                  " are not those of the others: look at that machine's memory and devices, and go "
                  "on from a checkpoint of an earlier epoch");
}

}  // namespace headrace
