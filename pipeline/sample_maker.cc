#include "headrace/pipeline/sample_maker.h"

#include <cstring>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_fields.h"
#include "headrace/pipeline/orientation.h"

namespace headrace {
namespace {

std::int64_t bytes_of(const Record& record) {
  std::size_t sum = 0;
  for (const RecordValue& value : record.values) {
    sum += value.bytes.size() + value.pixels.shape.elements() * size_of(value.pixels.type);
  }
  return static_cast<std::int64_t>(sum);
}

void check_cache(const ImageSequenceOptions& options, const std::string& name, bool encoded,
                 bool is_random) {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::invalid_argument, name + ": " + why);
  };
  if (options.memory == nullptr) {
    refuse("a cache needs a bound: give ImageSequenceOptions::memory a MemoryBudget");
  }
  if (options.cache == SampleCache::pixels && !encoded) {
    refuse("there is nothing to decode, so a cache of pixels would be a copy of the data set");
  }
  if (options.cache == SampleCache::samples && is_random) {
    refuse(
        "a cache of samples would repeat the draws of the first epoch in all others: cache pixels, "
        "or leave the random operations out of the recipe");
  }
}

// At which the plan is followed, in eighths.
int resolution(const DecodeSession& session, const SamplePlan& plan, const ImageInfo& info) {
  const int eighths = session.least_eighths(spare_resolution(plan));
  const ImageSize size = info.shape.size();
  // What is rounded up lies at the right and at the bottom: a turn would bring it to other sides.
  const bool rounded = size.height * eighths % 8 != 0 || size.width * eighths % 8 != 0;
  return rounded && info.orientation != 1 ? 8 : eighths;
}

}  // namespace

SampleMaker::SampleMaker(std::shared_ptr<const Dataset> dataset,
                         std::shared_ptr<const Decoder> decoder,
                         std::shared_ptr<const Augmenter> augmenter,
                         const ImageSequenceOptions& options)
    : dataset_(std::move(dataset)),
      decoder_(std::move(decoder)),
      augmenter_(std::move(augmenter)),
      trace_(options.trace) {
  if (dataset_ == nullptr || augmenter_ == nullptr) {
    throw Error(ErrorCode::invalid_argument, "an image sequence needs a data set and a recipe");
  }
  const DatasetInfo& info = dataset_->info();
  image_field_ = find_image(info);
  check_image(info, info.fields[image_field_], decoder_.get(), augmenter_->channels());
  for (const DatasetField& field : info.fields) {
    spec_.fields.push_back(batch_field(field, *augmenter_));
  }
  encoded_ = info.fields[image_field_].kind == FieldKind::encoded_image;
  targets_ = TargetMaker(info, *augmenter_, decoder_.get());
  if (options.cache == SampleCache::pixels && targets_.any()) {
    throw Error(ErrorCode::invalid_argument,
                info.name +
                    ": a cache of pixels keeps images alone, and not what moves with them: "
                    "cache the encoded files instead, or nothing");
  }
  if (options.cache == SampleCache::none) return;
  check_cache(options, info.name, encoded_, augmenter_->is_random());
  store_ = std::make_shared<SampleStore>(options.cache, spec_, image_field_, dataset_->size(),
                                         *options.memory);
}

Fingerprint SampleMaker::fingerprint() const {
  Fingerprint fingerprint;
  fingerprint.add(dataset_->fingerprint())
      .add(encoded_ ? decoder_->fingerprint() : 0)
      .add(augmenter_->fingerprint());
  return fingerprint;
}

std::unique_ptr<SampleScratch> SampleMaker::make_scratch() const {
  auto scratch = std::make_unique<SampleScratch>();
  scratch->record.values.resize(spec_.fields.size());
  if (encoded_ || targets_.any_encoded()) scratch->session = decoder_->session();
  return scratch;
}

bool SampleMaker::make(SampleScratch& scratch, RecordSource& source, const Rng& rng,
                       const Place& place, Stages<std::int64_t>& times) const {
  // Samples made of pixels take about a microsecond: the clock may not cost one too.
  constexpr unsigned timed_every = 16;
  const bool timed = encoded_ || scratch.turn++ % timed_every == 0;
  const unsigned weight = !timed ? 0 : encoded_ ? 1 : timed_every;
  StageTimer timer(weight, encoded_ ? trace_.get() : nullptr, {.record = place.index});
  scratch.planned = false;
  scratch.render.record = place.index;
  if (store_ != nullptr && make_from_store(scratch, rng, place, timer, times)) return true;
  if (!source.get(place.index, place.row, scratch.record)) return false;
  timer.end(times.read, "read");
  for (std::size_t field = 0; field < spec_.fields.size(); ++field) {
    if (dataset_->info().fields[field].kind == FieldKind::encoded_image ||
        dataset_->info().fields[field].kind == FieldKind::pixels) {
      continue;
    }
    copy_value(scratch.record.values[field], field, place.rows.row(field, place.row));
  }
  if (encoded_) {
    render_encoded(scratch, rng, place, timer, times);
  } else {
    render_pixels(scratch, rng, place.rows.row(image_field_, place.row), timer, times);
  }
  if (targets_.any()) {
    targets_.make(scratch, place.rows, place.row);
    timer.end(times.render, "targets");
  }
  if (store_ != nullptr && !store_->keeps_pixels()) {
    store_->keep_row(place.index, place.rows, place.row);
  }
  ++times.samples;
  times.bytes += bytes_of(scratch.record);
  return true;
}

ImageInfo SampleMaker::open(SampleScratch& scratch) const {
  return open_image(*scratch.session, scratch.record.values[image_field_]);
}

// The pixels of a record that holds them, checked against what the data set promised.
const ImageView& SampleMaker::pixels(const SampleScratch& scratch) const {
  const ImageView& view = scratch.record.values[image_field_].pixels;
  const DatasetField& field = dataset_->info().fields[image_field_];
  if (view.data == nullptr || view.type != field.type ||
      view.shape.channels != augmenter_->channels()) {
    throw Error(ErrorCode::corrupt_data, "pixels of " + std::to_string(view.shape.channels) +
                                             " channels of type " +
                                             std::string(to_string(view.type)) +
                                             ", unlike what the data set says of itself");
  }
  return view;
}

// False if the sample is not kept.
bool SampleMaker::make_from_store(SampleScratch& scratch, const Rng& rng, const Place& place,
                                  StageTimer& timer, Stages<std::int64_t>& times) const {
  const KeptSample* const kept = store_->find(place.index, place.rows, place.row);
  if (kept == nullptr) return false;
  if (store_->keeps_pixels()) {
    scratch.planned = true;
    const SamplePlan plan = augmenter_->plan(kept->source, rng);
    augmenter_->render(plan, kept->pixels, kept->region, place.rows.row(image_field_, place.row),
                       scratch.render);
  }
  timer.end(times.render, "render");
  ++times.samples;
  ++times.cached;
  return true;
}

void SampleMaker::render_encoded(SampleScratch& scratch, const Rng& rng, const Place& place,
                                 StageTimer& timer, Stages<std::int64_t>& times) const {
  const ImageInfo info = open(scratch);
  ImageSize stored = info.shape.size();
  const ImageSize upright = upright_size(stored, info.orientation);
  scratch.planned = true;
  SamplePlan plan = augmenter_->plan(upright, rng);
  if (targets_.any()) scratch.plan = plan;
  // Pixels that are kept are all there is of an image: what is made of them, or beside them, is the
  // same.
  const bool kept = store_ != nullptr && store_->keeps_pixels();
  const int eighths = kept ? 8 : resolution(*scratch.session, plan, info);
  if (eighths != 8) {
    plan = at_eighths(plan, eighths);
    stored = size_at_eighths(stored, eighths);
  }
  std::byte* const to = place.rows.row(image_field_, place.row);
  const bool may_be_planes = !kept && eighths == 8 && info.orientation == 1;
  if (may_be_planes && render_planes(scratch, plan, to, timer, times)) return;
  const DecodeRequest request{.region = stored_region(plan.region, stored, info.orientation),
                              .channels = augmenter_->channels(),
                              .eighths = eighths};
  const Region whole{0, 0, stored.height, stored.width};
  bool keep = false;
  const Region decoded =
      decode(scratch, request, augmenter_->is_random() ? whole : request.region, keep);
  const Image* image = &scratch.decoded;
  if (info.orientation != 1) {
    make_upright(scratch.decoded.view(), info.orientation, scratch.upright);
    image = &scratch.upright;
  }
  const Region region = upright_region(decoded, stored, info.orientation);
  timer.end(times.decode, "decode");
  try {
    augmenter_->render(plan, image->view(), region, to, scratch.render);
  } catch (...) {
    if (keep) store_->give_back_pixels(scratch.decoded.shape());
    throw;
  }
  timer.end(times.render, "render");
  if (keep) {
    store_->keep_pixels(place.index, image->view(), region, upright, place.rows, place.row);
  }
}

// False if the image or the plan is not for that.
bool SampleMaker::render_planes(SampleScratch& scratch, const SamplePlan& plan, std::byte* to,
                                StageTimer& timer, Stages<std::int64_t>& times) const {
  if (!augmenter_->takes_planes(plan)) return false;
  const ColourPlanes* const planes = scratch.session->decode_planes(plan.region);
  if (planes == nullptr) return false;
  timer.end(times.decode, "decode");
  augmenter_->render_planes(plan, *planes, to, scratch.render);
  timer.end(times.render, "render");
  ++times.planes;
  return true;
}

// Decodes what is asked of the open image, or what is to be kept of it, if there is room: `keep`.
Region SampleMaker::decode(SampleScratch& scratch, const DecodeRequest& request,
                           const Region& to_keep, bool& keep) const {
  if (store_ != nullptr && store_->wants_pixels()) {
    try {
      DecodeRequest larger = request;
      larger.region = to_keep;
      const Region decoded = scratch.session->decode(larger, scratch.decoded);
      keep = store_->reserve_pixels(scratch.decoded.shape());
      return decoded;
    } catch (const Error&) {
      open(scratch);  // what this plan needs of a damaged image may be whole
    }
  }
  return scratch.session->decode(request, scratch.decoded);
}

void SampleMaker::render_pixels(SampleScratch& scratch, const Rng& rng, std::byte* to,
                                StageTimer& timer, Stages<std::int64_t>& times) const {
  const ImageView& view = pixels(scratch);
  scratch.planned = true;
  const SamplePlan plan = augmenter_->plan(view.shape.size(), rng);
  if (targets_.any()) scratch.plan = plan;
  augmenter_->render(plan, view, {0, 0, view.shape.height, view.shape.width}, to, scratch.render);
  timer.end(times.render, "render");
}

void SampleMaker::copy_value(const RecordValue& value, std::size_t field, std::byte* to) const {
  const std::size_t wanted = spec_.fields[field].row_bytes();
  if (value.bytes.size() != wanted) {
    throw Error(ErrorCode::corrupt_data, "field \"" + spec_.fields[field].name + "\" has " +
                                             std::to_string(value.bytes.size()) +
                                             " bytes instead of " + std::to_string(wanted));
  }
  std::memcpy(to, value.bytes.data(), wanted);
}

SamplePlan SampleMaker::plan(SampleScratch& scratch, std::int64_t index, const Rng& rng) const {
  scratch.record.clear_hints();
  dataset_->read(index, scratch.record);
  if (!encoded_) return augmenter_->plan(pixels(scratch).shape.size(), rng);
  const ImageInfo info = open(scratch);
  return augmenter_->plan(upright_size(info.shape.size(), info.orientation), rng);
}

// Without regard to what could be read, which is not the same each time.
void SampleMaker::make_blank(const Place& place) const {
  bool labelled = false;
  for (std::size_t field = 0; field < spec_.fields.size(); ++field) {
    std::memset(place.rows.row(field, place.row), 0, spec_.fields[field].row_bytes());
    if (dataset_->info().fields[field].kind != FieldKind::class_label || labelled) continue;
    *place.rows.row_as<std::int32_t>(field, place.row) =
        static_cast<std::int32_t>(dataset_->label(place.index));
    labelled = true;
  }
  targets_.make_blank(place.rows, place.row);
}

}  // namespace headrace
