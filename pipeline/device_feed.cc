#include "headrace/pipeline/device_feed.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/memory_budget.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::optional<DeviceStage>> stages_of(const BatchSpec& spec,
                                                  const DeviceSource* source) {
  std::vector<std::optional<DeviceStage>> stages(spec.fields.size());
  for (std::size_t i = 0; source != nullptr && i < stages.size(); ++i) {
    if (const DeviceStage* stage = source->stage(i)) stages[i] = *stage;
  }
  return stages;
}

// Of images at a time, while they are brought to the device.
constexpr std::size_t upload_bytes = std::size_t{8} << 20;

}  // namespace

void wait_on_host(Device& device, Device::Event event, const std::atomic<bool>* cancelled) {
  constexpr auto patience = std::chrono::seconds(60);
  const Clock::time_point start = Clock::now();
  for (int look = 0; !device.is_done(event); ++look) {
    if (cancelled != nullptr && cancelled->load()) {
      throw Error(ErrorCode::cancelled, "the loader was cancelled");
    }
    if (Clock::now() - start > patience) {
      throw Error(ErrorCode::backend,
                  device.name() + " has not done in a minute what it was given");
    }
    if (look < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
}

DeviceFeed::DeviceFeed(std::shared_ptr<Device> device, const BatchSpec& spec,
                       const DeviceSource* source, Source batches, const DeviceFeedOptions& options)
    : ring_(std::make_shared<DeviceRing>(std::move(device), spec, stages_of(spec, source))),
      source_(source),
      batches_(std::move(batches)),
      options_(options),
      position_(batches_.position()) {
  ring_->make_places(places(options), options.batch_size);
  ring_->upload_constants();
  for (std::size_t i = 0; i < spec.fields.size(); ++i) {
    const auto& stage = ring_->stages()[i];
    if (stage && stage->work == DeviceWork::gather) upload_images(*stage);
  }
}

DeviceFeed::~DeviceFeed() = default;

void DeviceFeed::upload_images(const DeviceStage& stage) {
  const std::size_t image = stage.source.elements();
  const auto at_once = static_cast<std::int64_t>(std::max<std::size_t>(upload_bytes / image, 1));
  std::byte* const to = ring_->make_resident(static_cast<std::size_t>(source_->images()) * image);
  std::vector<std::byte> some(static_cast<std::size_t>(at_once) * image);
  for (std::int64_t first = 0; first < source_->images(); first += at_once) {
    const std::int64_t count = std::min(at_once, source_->images() - first);
    source_->read_images(first, count, some.data());
    ring_->copy_and_wait(to + static_cast<std::size_t>(first) * image, some.data(),
                         static_cast<std::size_t>(count) * image);
  }
}

std::optional<Batch> DeviceFeed::next() {
  if (cancelled_) throw Error(ErrorCode::cancelled, "the loader was cancelled");
  if (ring_->leased() >= options_.leases) {
    throw Error(ErrorCode::invalid_argument,
                "the consumer holds " + std::to_string(options_.leases) +
                    " batches, all that LoaderOptions::leases allows: release one before asking "
                    "for the next, or allow more");
  }
  fetch();
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  position_ = first.after;
  if (first.error != nullptr) std::rethrow_exception(first.error);
  if (first.place == nullptr) return std::nullopt;
  ring_->lease(*first.place);
  return Batch(std::shared_ptr<Slot>(first.place, &first.place->slot));
}

// Gets at least one batch, or an end, to hand out, and all that can be had without waiting.
void DeviceFeed::fetch() {
  while (waiting_.empty() || batches_.is_ready()) {
    const std::shared_ptr<DevicePlace> place = ring_->take();
    if (place == nullptr) {
      if (!waiting_.empty()) return;
      throw Error(ErrorCode::backend,
                  ring_->device().name() + " has failed to take batches: no place is left");
    }
    // The consumer shall not wait for a place while there is a batch for it.
    if (!waiting_.empty() && !place->has_arrived()) return;
    place->retire(&cancelled_);
    try {
      std::optional<Batch> batch = batches_.next();
      const bool is_end = !batch;
      if (batch) send(*place, std::move(*batch));
      waiting_.push_back({is_end ? nullptr : place, nullptr, batches_.position()});
    } catch (...) {
      waiting_.push_back({nullptr, std::current_exception(), batches_.position()});
      return;
    }
  }
}

void DeviceFeed::send(DevicePlace& place, Batch batch) {
  Slot& slot = place.slot;
  slot.spec_ = &ring_->spec();
  slot.bases_ = batch.slot_->bases_;
  for (std::size_t i = 0; i < slot.bases_.size(); ++i) {
    if (ring_->stages()[i]) slot.bases_[i] = nullptr;
  }
  slot.device_ = &place;
  slot.describe(batch.size(), batch.begin(), batch.end(), batch.valid_rows());
  place.send(std::move(batch));
}

void DeviceFeed::restart() {
  waiting_.clear();
  position_ = batches_.position();
}

const BatchSpec& DeviceFeed::spec() const { return ring_->spec(); }

std::size_t DeviceFeed::device_bytes() const { return ring_->bytes(); }

std::string DeviceFeed::text() const {
  std::string text = std::to_string(places(options_)) + " batches on " + ring_->device().name() +
                     ", " + to_megabytes(device_bytes()) + " of its memory";
  for (std::size_t i = 0; i < ring_->stages().size(); ++i) {
    const auto& stage = ring_->stages()[i];
    if (stage) text += "; " + spec().fields[i].name + ": " + stage->text;
  }
  return text;
}

}  // namespace headrace
