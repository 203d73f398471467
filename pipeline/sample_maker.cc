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

}  // namespace

SampleMaker::SampleMaker(std::shared_ptr<const Dataset> dataset,
                         std::shared_ptr<const Decoder> decoder,
                         std::shared_ptr<const Augmenter> augmenter, std::shared_ptr<Trace> trace)
    : dataset_(std::move(dataset)),
      decoder_(std::move(decoder)),
      augmenter_(std::move(augmenter)),
      trace_(std::move(trace)) {
  if (dataset_ == nullptr || augmenter_ == nullptr) {
    throw Error(ErrorCode::invalid_argument, "an image sequence needs a data set and a recipe");
  }
  const DatasetInfo& info = dataset_->info();
  image_field_ = find_image(info);
  check_image(info, info.fields[image_field_], decoder_.get(), augmenter_->channels());
  for (const DatasetField& field : info.fields) {
    spec_.fields.push_back(batch_field(field, augmenter_->output()));
  }
  encoded_ = info.fields[image_field_].kind == FieldKind::encoded_image;
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
  if (encoded_) scratch->session = decoder_->session();
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
  if (!source.get(place.index, place.row, scratch.record)) return false;
  timer.end(times.read, "read");
  for (std::size_t field = 0; field < spec_.fields.size(); ++field) {
    if (field == image_field_) continue;
    copy_value(scratch.record.values[field], field, place.rows.row(field, place.row));
  }
  std::byte* to = place.rows.row(image_field_, place.row);
  if (encoded_) {
    render_encoded(scratch, rng, to, timer, times);
  } else {
    render_pixels(scratch, rng, to, timer, times);
  }
  ++times.samples;
  times.bytes += bytes_of(scratch.record);
  return true;
}

ImageInfo SampleMaker::open(SampleScratch& scratch) const {
  const ImageInfo info = scratch.session->open(scratch.record.values[image_field_].bytes);
  if (info.orientation < 1 || info.orientation > 8) {
    throw Error(ErrorCode::corrupt_data,
                "an orientation of " + std::to_string(info.orientation) + ": it is 1 to 8");
  }
  return info;
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

void SampleMaker::render_encoded(SampleScratch& scratch, const Rng& rng, std::byte* to,
                                 StageTimer& timer, Stages<std::int64_t>& times) const {
  const ImageInfo info = open(scratch);
  const ImageSize stored = info.shape.size();
  scratch.planned = true;
  const SamplePlan plan = augmenter_->plan(upright_size(stored, info.orientation), rng);
  const DecodeRequest request{.region = stored_region(plan.region, stored, info.orientation),
                              .channels = augmenter_->channels()};
  const Region decoded = scratch.session->decode(request, scratch.decoded);
  const Image* image = &scratch.decoded;
  if (info.orientation != 1) {
    make_upright(scratch.decoded.view(), info.orientation, scratch.upright);
    image = &scratch.upright;
  }
  timer.end(times.decode, "decode");
  augmenter_->render(plan, image->view(), upright_region(decoded, stored, info.orientation), to,
                     scratch.render);
  timer.end(times.render, "render");
}

void SampleMaker::render_pixels(SampleScratch& scratch, const Rng& rng, std::byte* to,
                                StageTimer& timer, Stages<std::int64_t>& times) const {
  const ImageView& view = pixels(scratch);
  scratch.planned = true;
  const SamplePlan plan = augmenter_->plan(view.shape.size(), rng);
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
}

}  // namespace headrace
