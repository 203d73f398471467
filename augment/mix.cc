#include "headrace/augment/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

void check(bool good, const std::string& message) {
  if (!good) throw Error(ErrorCode::invalid_argument, message);
}

// Johnk's method; alpha above 1 is drawn as the middle of several of 1.
double draw_share(double alpha, Rng& rng) {
  if (alpha > 1) {
    std::vector<double> draws(static_cast<std::size_t>(2 * std::lround(alpha) - 1));
    for (double& draw : draws) draw = rng.uniform();
    const auto middle = draws.begin() + std::ssize(draws) / 2;
    std::nth_element(draws.begin(), middle, draws.end());
    return *middle;
  }
  for (;;) {
    const double a = std::pow(rng.uniform(), 1 / alpha);
    const double b = std::pow(rng.uniform(), 1 / alpha);
    if (a + b > 0 && a + b <= 1) return a / (a + b);
  }
}

struct Frame {
  int height;
  int width;
};

// What becomes of one sample.
struct MixPlan {
  std::int64_t partner = 0;  // within the group
  float share = 1;           // of the sample's own
  std::optional<Region> box;
};

// Groups that are being made, kept from call to call.
class Buffers {
 public:
  using Buffer = std::vector<std::vector<std::byte>>;  // by field

  Buffer take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return {};
    Buffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give(Buffer buffer) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_;
  std::vector<Buffer> free_;
};

class MixedSequence final : public Sequence {
 public:
  MixedSequence(std::shared_ptr<const Sequence> source, const MixOptions& options)
      : source_(std::move(source)), options_(options), spec_(source_->spec()) {
    check(options.mixup >= 0 && options.cutmix >= 0 && options.mixup + options.cutmix > 0,
          "a mixed sequence needs mixup or cutmix: give one of them an alpha above 0, as 0.2 or 1");
    check(options.probability >= 0 && options.probability <= 1 && options.label_smoothing >= 0 &&
              options.label_smoothing < 1,
          "mixing: probability must be from 0 to 1, label_smoothing from 0 to below 1");
    check(options.group >= 2, "mixing: a group of partners must have 2 samples or more");
    image_ = spec_.index_of("image");
    const FieldSpec& image = spec_.fields[image_];
    check(image.shape.size() == 3 &&
              (image.type == ElementType::f32 || image.type == ElementType::u8),
          fmt::format("images of {} cannot be mixed: they must be f32 or u8 of three dimensions",
                      to_string(image.type)));
    const bool planes = options.layout == Layout::nchw;
    frame_ = {static_cast<int>(image.shape[planes ? 1 : 0]),
              static_cast<int>(image.shape[planes ? 2 : 1])};
    planes_ = planes ? image.shape[0] : 1;
    pixel_elements_ = planes ? 1 : image.shape[2];
    for (const FieldSpec& field : spec_.fields) parts_.push_back(part_of(field));
    const bool any_mask = std::find(parts_.begin(), parts_.end(), Part::mask) != parts_.end();
    if (spec_.has("label") || !any_mask) take_labels(spec_.fields[spec_.index_of("label")]);
  }

  std::int64_t size() const override { return source_->size(); }
  const BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override {
    const std::int64_t group = options_.group;
    return (source_->grain() + group - 1) / group * group;
  }
  StageTimes stage_times() const override { return source_->stage_times(); }
  std::uint64_t fingerprint() const override {
    Fingerprint print;
    print.add(source_->fingerprint())
        .add(fmt::format("{} {} {} {} {} {} {}", options_.mixup, options_.cutmix,
                         options_.probability, options_.classes, options_.label_smoothing,
                         options_.seed, options_.group));
    return print.value();
  }

  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    const std::int64_t end = first + rows.count();
    for (std::int64_t base = first / options_.group * options_.group; base < end;
         base += options_.group) {
      fill_group(epoch, base, std::max(first, base), std::min(end, base + options_.group), first,
                 rows);
    }
  }

 private:
  // What a field holds, by which it is mixed.
  enum class Part { image, label, mask, other };

  Part part_of(const FieldSpec& field) const {
    const FieldSpec& image = spec_.fields[image_];
    const std::string subject = "field \"" + field.name + "\"";
    if (field.name == "image") return Part::image;
    if (field.name == "label") return Part::label;
    if (field.name == "image2") {
      check(field.type == image.type && field.shape == image.shape,
            subject + " cannot be mixed beside its image: it must be of the same type and shape");
      return Part::image;
    }
    check(field.name != "boxes" && field.name != "points",
          subject +
              " has no meaning in an image that is mixed of two: leave it out of the data "
              "set, or do not mix");
    const bool of_frame = field.shape == std::vector<std::int64_t>{frame_.height, frame_.width};
    if (field.name != "mask" && !(of_frame && field.type == ElementType::u8)) return Part::other;
    check(of_frame && field.type == ElementType::u8,
          subject + " cannot be mixed beside its image: it must be u8 {height, width}");
    check(options_.mixup == 0,
          subject +
              " holds classes, which mixup cannot blend: mix by cutmix alone, or leave it "
              "out of the data set");
    return Part::mask;
  }

  void take_labels(FieldSpec& label) {
    check(options_.classes >= 1,
          "mixing: give the number of classes, which labels become vectors of");
    check(label.type == ElementType::i32 && label.elements() == 1,
          "labels to be mixed must be one i32 each");
    label = {"label", ElementType::f32, {options_.classes}};
  }

  // Samples [begin, end) of the group that begins at `base`; rows begin at `first`.
  void fill_group(std::uint64_t epoch, std::int64_t base, std::int64_t begin, std::int64_t end,
                  std::int64_t first, const Rows& rows) const {
    const std::int64_t count = std::min(options_.group, size() - base);
    Buffers::Buffer buffer = buffers_.take();
    const BatchSpec& source = source_->spec();
    buffer.resize(source.fields.size());
    std::vector<std::byte*> bases;
    for (std::size_t f = 0; f < source.fields.size(); ++f) {
      buffer[f].resize(source.fields[f].row_bytes() * static_cast<std::size_t>(options_.group));
      bases.push_back(buffer[f].data());
    }
    const Rows made(source, bases, 0, count);
    source_->fill(epoch, base, made);
    for (std::int64_t p = begin; p < end; ++p) {
      const MixPlan plan = draw(epoch, p, p - base, count);
      for (std::size_t f = 0; f < source.fields.size(); ++f) {
        std::byte* out = rows.row(f, p - first);
        const std::byte* own = made.row(f, p - base);
        const std::byte* partner = made.row(f, plan.partner);
        switch (parts_[f]) {
          case Part::image: mix_images(own, partner, plan, out); break;
          case Part::label: mix_labels(label_at(own), label_at(partner), plan.share, out); break;
          case Part::mask:
            std::memcpy(out, own, source.fields[f].row_bytes());
            if (plan.box) paste(partner, *plan.box, 1, 1, out);
            break;
          case Part::other: std::memcpy(out, own, source.fields[f].row_bytes());
        }
      }
    }
    buffers_.give(std::move(buffer));
  }

  MixPlan draw(std::uint64_t epoch, std::int64_t position, std::int64_t own,
               std::int64_t count) const {
    Rng rng = Rng(options_.seed, epoch)
                  .for_sample(static_cast<std::uint64_t>(position))
                  .for_operation(stream_id("mix"));
    MixPlan plan;
    plan.partner = own;
    const bool applies = rng.chance(options_.probability);
    const bool either = options_.mixup > 0 && options_.cutmix > 0;
    const bool cuts = rng.chance(0.5) ? options_.cutmix > 0 : either ? false : options_.cutmix > 0;
    if (!applies || count < 2) return plan;
    plan.partner =
        (own + 1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(count - 1)))) %
        count;
    const double share = draw_share(cuts ? options_.cutmix : options_.mixup, rng);
    // To a multiple that any machine's pow() rounds to.
    plan.share = static_cast<float>(std::nearbyint(share * 65536) / 65536);
    if (cuts) draw_box(plan, rng);
    return plan;
  }

  void draw_box(MixPlan& plan, Rng& rng) const {
    const double side = std::sqrt(1 - static_cast<double>(plan.share));
    const auto half_height = static_cast<int>(side * frame_.height / 2);
    const auto half_width = static_cast<int>(side * frame_.width / 2);
    const auto y = static_cast<int>(rng.below(static_cast<std::uint64_t>(frame_.height)));
    const auto x = static_cast<int>(rng.below(static_cast<std::uint64_t>(frame_.width)));
    const int top = std::max(y - half_height, 0);
    const int left = std::max(x - half_width, 0);
    plan.box = Region{top, left, std::min(y + half_height, frame_.height) - top,
                      std::min(x + half_width, frame_.width) - left};
    const double covered = static_cast<double>(plan.box->height) * plan.box->width;
    plan.share =
        static_cast<float>(1 - covered / (static_cast<double>(frame_.height) * frame_.width));
  }

  void mix_images(const std::byte* own, const std::byte* partner, const MixPlan& plan,
                  std::byte* out) const {
    const FieldSpec& image = spec_.fields[image_];
    const auto elements = static_cast<std::size_t>(image.elements());
    if (plan.box || own == partner) {
      std::memcpy(out, own, image.row_bytes());
      const auto pixel = static_cast<std::size_t>(pixel_elements_) * size_of(image.type);
      if (plan.box) paste(partner, *plan.box, planes_, pixel, out);
    } else if (image.type == ElementType::f32) {
      const auto* a = reinterpret_cast<const float*>(own);
      const auto* b = reinterpret_cast<const float*>(partner);
      auto* to = reinterpret_cast<float*>(out);
      for (std::size_t e = 0; e < elements; ++e) to[e] = blend(a[e], b[e], plan.share);
    } else {
      const auto* a = reinterpret_cast<const std::uint8_t*>(own);
      const auto* b = reinterpret_cast<const std::uint8_t*>(partner);
      auto* to = reinterpret_cast<std::uint8_t*>(out);
      for (std::size_t e = 0; e < elements; ++e) {
        to[e] = static_cast<std::uint8_t>(blend(a[e], b[e], plan.share) + 0.5f);
      }
    }
  }

  static float blend(float own, float partner, float share) {
    const float first = own * share;
    const float second = partner * (1 - share);
    return first + second;
  }

  // Of planes of pixels of so many bytes.
  void paste(const std::byte* partner, const Region& box, std::int64_t planes, std::size_t pixel,
             std::byte* out) const {
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      for (int y = box.top; y < box.top + box.height; ++y) {
        const std::size_t at =
            static_cast<std::size_t>((plane * frame_.height + y) * frame_.width + box.left) * pixel;
        std::memcpy(out + at, partner + at, static_cast<std::size_t>(box.width) * pixel);
      }
    }
  }

  std::int32_t label_at(const std::byte* row) const {
    std::int32_t label = 0;
    std::memcpy(&label, row, sizeof label);
    check(label >= 0 && label < options_.classes,
          fmt::format("label {} does not fit {} classes", label, options_.classes));
    return label;
  }

  void mix_labels(std::int32_t own, std::int32_t partner, float share, std::byte* out) const {
    auto* to = reinterpret_cast<float*>(out);
    const auto rest = static_cast<float>(options_.label_smoothing);
    std::fill_n(to, options_.classes, rest / static_cast<float>(options_.classes));
    to[own] += share * (1 - rest);
    to[partner] += (1 - share) * (1 - rest);
  }

  std::shared_ptr<const Sequence> source_;
  MixOptions options_;
  BatchSpec spec_;
  std::size_t image_ = 0;
  std::vector<Part> parts_;  // by field
  Frame frame_{};
  std::int64_t planes_ = 1;
  std::int64_t pixel_elements_ = 1;
  mutable Buffers buffers_;
};

}  // namespace

std::shared_ptr<const Sequence> make_mixed(std::shared_ptr<const Sequence> source,
                                           const MixOptions& options) {
  return std::make_shared<const MixedSequence>(std::move(source), options);
}

}  // namespace headrace
