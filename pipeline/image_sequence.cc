#include "headrace/pipeline/image_sequence.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image_fields.h"
#include "headrace/pipeline/orientation.h"
#include "headrace/pipeline/record_source.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_reader.h"
#include "headrace/pipeline/stage_timer.h"

namespace headrace {
namespace {

// What one fill() works with, kept for the next one. Never used by two threads at a time.
struct Scratch {
  Record record;
  std::unique_ptr<DecodeSession> session;
  Image decoded;
  Image upright;
  RenderScratch render;
  unsigned turn = 0;     // counts samples, to time some of them
  bool planned = false;  // a plan was drawn for this sample, or would have been

  std::size_t bytes() const {
    std::size_t sum = decoded.capacity_bytes() + upright.capacity_bytes() + render.bytes.capacity();
    for (const RecordValue& value : record.values) sum += value.buffer.capacity();
    return sum;
  }
};

}  // namespace

struct ImageSequence::Impl final : SampleReader {
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const Decoder> decoder;
  std::shared_ptr<const Augmenter> augmenter;
  ImageSequenceOptions options;
  BatchSpec spec;
  std::size_t image_field = 0;
  bool encoded = false;
  mutable std::optional<FailureLog> failures;

  mutable std::mutex mutex;  // guards the two below
  mutable std::vector<std::unique_ptr<Scratch>> idle;
  mutable std::size_t scratches = 0;
  mutable std::atomic<std::size_t> scratch_bytes{0};
  mutable Stages<std::atomic<std::int64_t>> stages;

  // A loan of scratch memory for one fill.
  class Loan {
   public:
    explicit Loan(const Impl& impl) : impl_(impl), scratch_(impl.take_scratch()) {
      bytes_before_ = scratch_->bytes();
    }
    ~Loan() { impl_.return_scratch(std::move(scratch_), bytes_before_); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Scratch& operator*() const { return *scratch_; }

   private:
    const Impl& impl_;
    std::unique_ptr<Scratch> scratch_;
    std::size_t bytes_before_ = 0;
  };

  std::unique_ptr<Scratch> take_scratch() const {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto scratch = std::move(idle.back());
        idle.pop_back();
        return scratch;
      }
      idle.reserve(++scratches);  // so that giving it back needs no memory
    }
    auto scratch = std::make_unique<Scratch>();
    scratch->record.values.resize(spec.fields.size());
    if (encoded) scratch->session = decoder->session();
    return scratch;
  }

  void return_scratch(std::unique_ptr<Scratch> scratch, std::size_t bytes_before) const noexcept {
    // Unsigned arithmetic: a difference below zero comes out right too.
    scratch_bytes.fetch_add(scratch->bytes() - bytes_before, std::memory_order_relaxed);
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(scratch));
  }

  EpochOrder order(std::uint64_t epoch) const {
    return {dataset->size(), options.shuffle, options.seed, epoch, options.blocks};
  }

  ImageInfo open(Scratch& scratch) const {
    const ImageInfo info = scratch.session->open(scratch.record.values[image_field].bytes);
    if (info.orientation < 1 || info.orientation > 8) {
      throw Error(ErrorCode::corrupt_data,
                  "an orientation of " + std::to_string(info.orientation) + ": it is 1 to 8");
    }
    return info;
  }

  // The pixels of a record that holds them, checked against what the data set promised.
  const ImageView& pixels(const Scratch& scratch) const {
    const ImageView& view = scratch.record.values[image_field].pixels;
    const DatasetField& field = dataset->info().fields[image_field];
    if (view.data == nullptr || view.type != field.type ||
        view.shape.channels != augmenter->channels()) {
      throw Error(ErrorCode::corrupt_data, "pixels of " + std::to_string(view.shape.channels) +
                                               " channels of type " +
                                               std::string(to_string(view.type)) +
                                               ", unlike what the data set says of itself");
    }
    return view;
  }

  void render_encoded(Scratch& scratch, const Rng& rng, std::byte* to, StageTimer& timer,
                      Stages<std::int64_t>& times) const {
    const ImageInfo info = open(scratch);
    const ImageSize stored = info.shape.size();
    scratch.planned = true;
    const SamplePlan plan = augmenter->plan(upright_size(stored, info.orientation), rng);
    const DecodeRequest request{.region = stored_region(plan.region, stored, info.orientation),
                                .channels = augmenter->channels()};
    const Region decoded = scratch.session->decode(request, scratch.decoded);
    const Image* image = &scratch.decoded;
    if (info.orientation != 1) {
      make_upright(scratch.decoded.view(), info.orientation, scratch.upright);
      image = &scratch.upright;
    }
    timer.end(times.decode, "decode");
    augmenter->render(plan, image->view(), upright_region(decoded, stored, info.orientation), to,
                      scratch.render);
    timer.end(times.render, "render");
  }

  void render_pixels(Scratch& scratch, const Rng& rng, std::byte* to, StageTimer& timer,
                     Stages<std::int64_t>& times) const {
    const ImageView& view = pixels(scratch);
    scratch.planned = true;
    const SamplePlan plan = augmenter->plan(view.shape.size(), rng);
    augmenter->render(plan, view, {0, 0, view.shape.height, view.shape.width}, to, scratch.render);
    timer.end(times.render, "render");
  }

  void copy_value(const RecordValue& value, std::size_t field, std::byte* to) const {
    const std::size_t wanted = spec.fields[field].row_bytes();
    if (value.bytes.size() != wanted) {
      throw Error(ErrorCode::corrupt_data, "field \"" + spec.fields[field].name + "\" has " +
                                               std::to_string(value.bytes.size()) +
                                               " bytes instead of " + std::to_string(wanted));
    }
    std::memcpy(to, value.bytes.data(), wanted);
  }

  static std::int64_t bytes_of(const Record& record) {
    std::size_t sum = 0;
    for (const RecordValue& value : record.values) {
      sum += value.bytes.size() + value.pixels.shape.elements() * size_of(value.pixels.type);
    }
    return static_cast<std::int64_t>(sum);
  }

  // False if the record would have to be waited for.
  bool make_sample(Scratch& scratch, RecordSource& source, const Rng& rng, std::int64_t index,
                   const Rows& rows, std::int64_t row, Stages<std::int64_t>& times) const {
    // Samples made of pixels take about a microsecond: the clock may not cost one too.
    constexpr unsigned timed_every = 16;
    const bool timed = encoded || scratch.turn++ % timed_every == 0;
    StageTimer timer(!timed    ? 0
                     : encoded ? 1
                               : timed_every,
                     encoded ? options.trace.get() : nullptr, {.record = index});
    scratch.planned = false;
    if (!source.get(index, row, scratch.record)) return false;
    timer.end(times.read, "read");
    for (std::size_t field = 0; field < spec.fields.size(); ++field) {
      if (field != image_field) {
        copy_value(scratch.record.values[field], field, rows.row(field, row));
      }
    }
    std::byte* to = rows.row(image_field, row);
    if (encoded) {
      render_encoded(scratch, rng, to, timer, times);
    } else {
      render_pixels(scratch, rng, to, timer, times);
    }
    ++times.samples;
    times.bytes += bytes_of(scratch.record);
    return true;
  }

  void add(const Stages<std::int64_t>& times) const {
    stages.read.fetch_add(times.read, std::memory_order_relaxed);
    stages.decode.fetch_add(times.decode, std::memory_order_relaxed);
    stages.render.fetch_add(times.render, std::memory_order_relaxed);
    stages.samples.fetch_add(times.samples, std::memory_order_relaxed);
    stages.bytes.fetch_add(times.bytes, std::memory_order_relaxed);
  }

  // As make_sample(), at its position in an epoch, and with what the policy says about failures.
  bool make_sample_at(Scratch& scratch, RecordSource& source, const EpochOrder& order,
                      const Rng& epoch_rng, std::int64_t position, const Rows& rows,
                      std::int64_t row, Stages<std::int64_t>& times) const {
    constexpr std::int64_t most_neighbours = 32;
    const std::int64_t index = order.index_at(position);
    const Outcome outcome = try_sample(scratch, source, epoch_rng, index, rows, row, times);
    if (outcome != Outcome::unusable) return outcome == Outcome::made;
    failures->count_replaced();
    if (options.on_error == ErrorPolicy::blank) {
      make_blank(index, rows, row);
      return true;
    }
    // Neighbours are waited for: they are few, and were not asked to be read.
    WaitingSource neighbour_source(*dataset);
    const std::int64_t neighbours = std::min(most_neighbours, order.size() - 1);
    for (std::int64_t i = 1; i <= neighbours; ++i) {
      const std::int64_t to_end = order.size() - position;
      const std::int64_t neighbour = order.index_at(i < to_end ? position + i : i - to_end);
      if (try_sample(scratch, neighbour_source, epoch_rng, neighbour, rows, row, times) ==
          Outcome::made) {
        return true;
      }
    }
    throw Error(
        ErrorCode::corrupt_data,
        dataset->key(index) + ": it cannot be used, nor can the " + std::to_string(neighbours) +
            " samples after it in the epoch: " + "see whether the data set is where it should be");
  }

  enum class Outcome {
    made,
    unusable,  // and the policy is to do without it
    waits,     // the record would have to be waited for
  };

  Outcome try_sample(Scratch& scratch, RecordSource& source, const Rng& epoch_rng,
                     std::int64_t index, const Rows& rows, std::int64_t row,
                     Stages<std::int64_t>& times) const {
    if (failures->wanted_in_vain(index)) return Outcome::unusable;
    const Rng rng = epoch_rng.for_sample(static_cast<std::uint64_t>(index));
    try {
      const bool made = make_sample(scratch, source, rng, index, rows, row, times);
      return made ? Outcome::made : Outcome::waits;
    } catch (const Error& error) {
      if (options.on_error == ErrorPolicy::fail || !is_of_the_data(error.code())) {
        throw error.with_context(dataset->key(index));
      }
      // Only what no draw can change is remembered: part of a damaged image may be whole. Nor are
      // errors of the system: it may recover.
      const bool for_good = !scratch.planned && error.code() != ErrorCode::io;
      failures->add(index, dataset->key(index), error, for_good);
      return Outcome::unusable;
    }
  }

  // Without regard to what could be read, which is not the same each time.
  void make_blank(std::int64_t index, const Rows& rows, std::int64_t row) const {
    bool labelled = false;
    for (std::size_t field = 0; field < spec.fields.size(); ++field) {
      std::memset(rows.row(field, row), 0, spec.fields[field].row_bytes());
      if (dataset->info().fields[field].kind != FieldKind::class_label || labelled) continue;
      *rows.row_as<std::int32_t>(field, row) = static_cast<std::int32_t>(dataset->label(index));
      labelled = true;
    }
  }

  // Fills rows up to the first whose record would have to be waited for; returns how many.
  std::int64_t fill_from(RecordSource& source, std::uint64_t epoch, std::int64_t first,
                         const Rows& rows) const {
    const Loan loan(*this);
    const EpochOrder in_epoch = order(epoch);
    const Rng epoch_rng(options.seed, epoch);
    Stages<std::int64_t> times;
    std::int64_t row = 0;
    while (row < rows.count() &&
           make_sample_at(*loan, source, in_epoch, epoch_rng, first + row, rows, row, times)) {
      ++row;
    }
    add(times);
    return row;
  }

  std::int64_t fill_ready(std::uint64_t epoch, std::int64_t first,
                          const Rows& rows) const override {
    ReadySource source(*dataset);
    return fill_from(source, epoch, first, rows);
  }

  std::unique_ptr<LoadedSamples> load(std::uint64_t epoch, std::int64_t first, std::int64_t count,
                                      const std::atomic<bool>& stop) const override {
    Stages<std::int64_t> times;
    StageTimer timer(1, options.trace.get(),
                     {.epoch = static_cast<std::int64_t>(epoch), .first = first, .count = count});
    auto records = load_records(*dataset, order(epoch), first, count, stop);
    timer.end(times.read, "read ahead");
    add(times);
    return records;
  }

  void fill_loaded(std::uint64_t epoch, std::int64_t first, const Rows& rows,
                   LoadedSamples& loaded) const override {
    LoadedSource source(*dataset, dynamic_cast<LoadedRecords&>(loaded));
    fill_from(source, epoch, first, rows);
  }

  std::size_t will_need(std::uint64_t epoch, std::int64_t first,
                        std::int64_t count) const override {
    return announce_records(*dataset, order(epoch), first, count);
  }
};

ImageSequence::ImageSequence(std::shared_ptr<const Dataset> dataset,
                             std::shared_ptr<const Decoder> decoder,
                             std::shared_ptr<const Augmenter> augmenter,
                             ImageSequenceOptions options)
    : impl_(std::make_unique<Impl>()) {
  if (dataset == nullptr || augmenter == nullptr) {
    throw Error(ErrorCode::invalid_argument, "an image sequence needs a data set and a recipe");
  }
  const DatasetInfo& info = dataset->info();
  const std::size_t image = find_image(info);
  check_image(info, info.fields[image], decoder.get(), augmenter->channels());
  for (const DatasetField& field : info.fields) {
    impl_->spec.fields.push_back(batch_field(field, augmenter->output()));
  }
  impl_->image_field = image;
  impl_->encoded = info.fields[image].kind == FieldKind::encoded_image;
  impl_->dataset = std::move(dataset);
  impl_->decoder = std::move(decoder);
  impl_->augmenter = std::move(augmenter);
  impl_->options = std::move(options);
  static_cast<void>(impl_->order(0));  // refuses blocks that make no sense
  impl_->failures.emplace(impl_->options.on_error, impl_->options.error_budget,
                          impl_->dataset->size());
}

ImageSequence::~ImageSequence() = default;

std::int64_t ImageSequence::size() const { return impl_->dataset->size(); }
const BatchSpec& ImageSequence::spec() const { return impl_->spec; }
const Dataset& ImageSequence::dataset() const { return *impl_->dataset; }
ErrorReport ImageSequence::error_report() const { return impl_->failures->report(); }
const Augmenter& ImageSequence::augmenter() const { return *impl_->augmenter; }
std::size_t ImageSequence::scratch_bytes() const { return impl_->scratch_bytes; }

void ImageSequence::fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const {
  if (first < 0 || rows.count() > size() - first) {
    throw Error(ErrorCode::invalid_argument, "samples " + std::to_string(first) + " to " +
                                                 std::to_string(first + rows.count()) +
                                                 " of an epoch of " + std::to_string(size()));
  }
  WaitingSource source(*impl_->dataset);
  impl_->fill_from(source, epoch, first, rows);
}

SamplePlan ImageSequence::plan(std::uint64_t epoch, std::int64_t position) const {
  if (position < 0 || position >= size()) {
    throw Error(ErrorCode::invalid_argument,
                "sample " + std::to_string(position) + " of an epoch of " + std::to_string(size()));
  }
  const Impl::Loan loan(*impl_);
  Scratch& scratch = *loan;
  const std::int64_t index = impl_->order(epoch).index_at(position);
  try {
    impl_->dataset->read(index, scratch.record);
    ImageSize size;
    if (impl_->encoded) {
      const ImageInfo info = impl_->open(scratch);
      size = upright_size(info.shape.size(), info.orientation);
    } else {
      size = impl_->pixels(scratch).shape.size();
    }
    const Rng rng = Rng(impl_->options.seed, epoch).for_sample(static_cast<std::uint64_t>(index));
    return impl_->augmenter->plan(size, rng);
  } catch (const Error& error) {
    throw error.with_context(impl_->dataset->key(index));
  }
}

std::int64_t ImageSequence::grain() const {
  const std::size_t bytes = impl_->spec.fields[impl_->image_field].row_bytes();
  if (!impl_->encoded) {
    // About 60 us: 64 images of 32x32x3 in f32.
    constexpr std::size_t task_bytes = std::size_t{64} * 32 * 32 * 3 * sizeof(float);
    return static_cast<std::int64_t>(std::clamp<std::size_t>(task_bytes / bytes, 1, 256));
  }
  const std::size_t pixels = bytes / size_of(impl_->spec.fields[impl_->image_field].type) /
                             static_cast<std::size_t>(impl_->augmenter->channels());
  return pixels <= 65'536 ? 8 : pixels <= 262'144 ? 2 : 1;
}

std::uint64_t ImageSequence::fingerprint() const {
  Fingerprint fingerprint;
  fingerprint.add(impl_->dataset->fingerprint())
      .add(impl_->encoded ? impl_->decoder->fingerprint() : 0)
      .add(impl_->augmenter->fingerprint())
      .add(impl_->options.seed)
      .add(impl_->options.shuffle);
  if (impl_->options.shuffle == Shuffle::blocks) {
    fingerprint.add(impl_->options.blocks.samples).add(impl_->options.blocks.window);
  }
  return fingerprint.value();
}

const SampleReader* ImageSequence::reader() const { return impl_.get(); }

StageTimes ImageSequence::stage_times() const {
  const auto seconds = [](const std::atomic<std::int64_t>& nanoseconds) {
    return static_cast<double>(nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
  };
  return {.read = seconds(impl_->stages.read),
          .decode = seconds(impl_->stages.decode),
          .render = seconds(impl_->stages.render),
          .samples = impl_->stages.samples.load(std::memory_order_relaxed),
          .bytes_read = impl_->stages.bytes.load(std::memory_order_relaxed)};
}

}  // namespace headrace
