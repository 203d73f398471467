#include "headrace/pipeline/device_place.h"

#include <algorithm>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t alignment = 256;

std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

// What turns f32 values into another type.
DeviceStage conversion_of(const FieldSpec& field) {
  DeviceStage stage;
  stage.output = field;
  const std::int64_t channels = field.shape.empty() ? 1 : field.shape.back();
  stage.shape = {1, static_cast<int>(field.elements() / channels), static_cast<int>(channels)};
  return stage;
}

}  // namespace

// --- DevicePlace ---

DevicePlace::DevicePlace(DeviceRing& ring, std::int64_t batch_size)
    : ring_(ring), arrived_(make_event(ring.shared_device())) {
  std::size_t all = 0;
  std::vector<std::size_t> offsets;
  for (const FieldSpec& field : ring.wire_spec().fields) {
    offsets.push_back(all);
    all += aligned(static_cast<std::size_t>(batch_size) * field.row_bytes());
  }
  memory_ = make_memory(ring.shared_device(), all);
  ring.count_bytes(all);
  for (const std::size_t offset : offsets) fields_.push_back(memory_.get() + offset);
}

Device& DevicePlace::device() const { return ring_.device(); }

void DevicePlace::send(Batch batch) {
  broken_ = true;  // unless all of this succeeds
  host_ = std::move(batch);
  {
    const std::lock_guard lock(mutex_);
    for (User& user : users_) {
      if (!std::exchange(user.is_waited_for, true)) device().wait(ring_.copies(), user.done.get());
    }
  }
  const std::vector<FieldSpec>& fields = ring_.wire_spec().fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldView view = host_->field(i);
    const std::size_t count = static_cast<std::size_t>(view.rows) * fields[i].row_bytes();
    if (count > 0) device().copy_to_device(fields_[i], view.data, count, ring_.copies());
  }
  device().record(arrived_.get(), ring_.copies());
  broken_ = false;
}

bool DevicePlace::has_arrived() const { return !host_ || device().is_done(arrived_.get()); }

void DevicePlace::retire(const std::atomic<bool>* cancelled) {
  if (!host_) return;
  wait_on_host(device(), arrived_.get(), cancelled);
  host_.reset();
}

void DevicePlace::wait_for_all() noexcept {
  const std::lock_guard lock(mutex_);
  try {
    wait_on_host(device(), arrived_.get(), nullptr);
    for (const User& user : users_) wait_on_host(device(), user.done.get(), nullptr);
  } catch (...) {
    // A device that has failed reads and writes no more.
  }
}

DeviceTarget DevicePlace::resolved(std::size_t index, DeviceTarget to) const {
  const FieldSpec& field = ring_.spec().fields[index];
  const auto& stage = ring_.stages()[index];
  const int channels = stage ? stage->shape.channels
                             : static_cast<int>(field.shape.empty() ? 1 : field.shape.back());
  const ElementType own = field.type;
  if (!to.rows) to.rows = host_->size() - to.first;
  if (to.first < 0 || *to.rows < 0 || to.first + *to.rows > host_->size()) {
    throw Error(ErrorCode::invalid_argument,
                "rows " + std::to_string(to.first) + " to " + std::to_string(to.first + *to.rows) +
                    " are to be delivered of a batch of " + std::to_string(host_->size()));
  }
  if (!to.type) to.type = own;
  if (to.channel_pitch == 0) to.channel_pitch = channels;
  const auto is_real = [](ElementType type) {
    return type == ElementType::f32 || type == ElementType::f16 || type == ElementType::bf16;
  };
  const bool padded = to.channel_pitch != channels;
  const bool converts = own == ElementType::f32 || (stage && is_real(own));
  if (to.channel_pitch < channels || (padded && stage && stage->planes) ||
      (!(converts && is_real(*to.type)) && (to.type != own || (padded && !stage)))) {
    throw Error(ErrorCode::invalid_argument,
                "field \"" + field.name + "\" of type " + std::string(to_string(own)) +
                    " cannot be delivered as " + std::string(to_string(*to.type)) + " with " +
                    std::to_string(to.channel_pitch) + " channels a pixel");
  }
  return to;
}

std::size_t DevicePlace::bytes(std::size_t index, const DeviceTarget& to) const {
  const FieldSpec& field = ring_.spec().fields.at(index);
  const DeviceTarget target = resolved(index, to);
  const auto& stage = ring_.stages()[index];
  const auto channels = static_cast<std::size_t>(stage                 ? stage->shape.channels
                                                 : field.shape.empty() ? 1
                                                                       : field.shape.back());
  const std::size_t pixels = static_cast<std::size_t>(field.elements()) / channels;
  return static_cast<std::size_t>(*target.rows) * pixels *
         static_cast<std::size_t>(target.channel_pitch) * size_of(*target.type);
}

void DevicePlace::deliver(std::size_t index, const DeviceTarget& to, Device::Stream stream) const {
  const std::size_t needed = bytes(index, to);
  if (to.bytes != needed) {
    throw Error(ErrorCode::invalid_argument,
                "field \"" + ring_.spec().fields[index].name + "\" of this batch takes " +
                    std::to_string(needed) + " bytes, not the " + std::to_string(to.bytes) +
                    " that it is to be delivered to");
  }
  if (needed == 0) return;
  device().wait(stream, arrived_.get());
  try {
    give_work(index, resolved(index, to), stream);
  } catch (...) {
    note_use(stream);
    throw;
  }
  note_use(stream);
}

void DevicePlace::give_work(std::size_t index, const DeviceTarget& to,
                            Device::Stream stream) const {
  const FieldSpec& wire = ring_.wire_spec().fields[index];
  const auto& stage = ring_.stages()[index];
  const DeviceStage conversion = stage ? DeviceStage{} : conversion_of(wire);
  DeviceRender render;
  render.stage = stage ? &*stage : &conversion;
  render.scales = ring_.scales(index);
  render.offsets = ring_.offsets(index);
  render.resident = ring_.resident();
  render.row_bytes = wire.row_bytes();
  render.rows = fields_[index] + static_cast<std::size_t>(to.first) * render.row_bytes;
  render.count = *to.rows;
  render.target = to;
  if (!stage && to.type == wire.type && to.channel_pitch == conversion.shape.channels) {
    device().copy_on_device(to.data, render.rows, to.bytes, stream);
  } else {
    device().render(render, stream);
  }
}

// Marks that all given to `stream` so far is to be done before the place is used again.
void DevicePlace::note_use(Device::Stream stream) const {
  const std::lock_guard lock(mutex_);
  auto user = std::find_if(users_.begin(), users_.end(),
                           [&](const User& known) { return known.stream == stream; });
  if (user == users_.end()) {
    users_.push_back({stream, make_event(ring_.shared_device()), true});
    user = users_.end() - 1;
  }
  device().record(user->done.get(), stream);
  user->is_waited_for = false;
}

// --- DeviceRing ---

DeviceRing::DeviceRing(std::shared_ptr<Device> device, const BatchSpec& spec,
                       std::vector<std::optional<DeviceStage>> stages)
    : device_(std::move(device)),
      wire_spec_(spec),
      spec_(spec),
      stages_(std::move(stages)),
      constants_(stages_.size()),
      copies_(make_stream(device_)),
      copied_(make_event(device_)) {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (!stages_[i]) continue;
    spec_.fields[i].type = stages_[i]->output.type;
    spec_.fields[i].shape = stages_[i]->output.shape;
  }
}

DeviceRing::~DeviceRing() {
  try {
    device_->record(copied_.get(), copies_.get());
    wait_on_host(*device_, copied_.get(), nullptr);
  } catch (...) {
    // A device that has failed reads and writes no more.
  }
  for (const auto& place : places_) place->wait_for_all();
}

void DeviceRing::make_places(int count, std::int64_t batch_size) {
  for (int i = 0; i < count; ++i) {
    places_.push_back(std::make_unique<DevicePlace>(*this, batch_size));
  }
  free_.reserve(places_.size());  // so that giving back cannot fail
  leased_.reserve(places_.size());
  for (const auto& place : places_) free_.push_back(place.get());
}

void DeviceRing::upload_constants() {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (!stages_[i] || stages_[i]->scales.empty()) continue;
    const std::size_t scales = stages_[i]->scales.size() * sizeof(float);
    const std::size_t offsets = stages_[i]->offsets.size() * sizeof(float);
    Constants& constants = constants_[i];
    constants.memory = make_memory(device_, aligned(scales) + offsets);
    std::byte* const to = constants.memory.get();
    copy_and_wait(to, reinterpret_cast<const std::byte*>(stages_[i]->scales.data()), scales);
    copy_and_wait(to + aligned(scales),
                  reinterpret_cast<const std::byte*>(stages_[i]->offsets.data()), offsets);
    constants.scales = reinterpret_cast<const float*>(to);
    constants.offsets = reinterpret_cast<const float*>(to + aligned(scales));
    count_bytes(aligned(scales) + offsets);
  }
}

std::byte* DeviceRing::make_resident(std::size_t bytes) {
  resident_ = make_memory(device_, bytes);
  count_bytes(bytes);
  return resident_.get();
}

void DeviceRing::copy_and_wait(std::byte* to, const std::byte* from, std::size_t bytes) {
  device_->copy_to_device(to, from, bytes, copies_.get());
  device_->record(copied_.get(), copies_.get());
  wait_on_host(*device_, copied_.get(), nullptr);
}

std::shared_ptr<DevicePlace> DeviceRing::take() {
  DevicePlace* place = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return nullptr;
    place = free_.front();
    free_.erase(free_.begin());
  }
  return {place, [ring = shared_from_this()](DevicePlace* used) { ring->give_back(used); }};
}

void DeviceRing::give_back(DevicePlace* place) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(leased_, place);
  if (place->is_broken()) return;
  free_.push_back(place);
}

void DeviceRing::lease(DevicePlace& place) {
  const std::lock_guard lock(mutex_);
  leased_.push_back(&place);
}

int DeviceRing::leased() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(leased_.size());
}

}  // namespace headrace
