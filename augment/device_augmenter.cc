#include "headrace/augment/device_augmenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "headrace/augment/recipe_augmenter.h"
#include "headrace/augment/wire_row.h"
#include "headrace/pipeline/device_stage.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// Of all images of the field; nothing if that cannot be told, or they are no levels.
std::optional<ImageShape> shape_of(const DatasetField& image) {
  if (image.kind != FieldKind::pixels || image.type != ElementType::u8) return std::nullopt;
  if (image.shape.size() != 3 || image.shape[0] == 0) return std::nullopt;
  return ImageShape{static_cast<int>(image.shape[0]), static_cast<int>(image.shape[1]),
                    static_cast<int>(image.shape[2])};
}

// Why a GPU cannot resample the images; "" if it can. Plans that it cannot follow are left out.
std::string objection(const Recipe& recipe, const DatasetField& image) {
  const std::optional<ImageShape> source = shape_of(image);
  if (!source) return "the data set holds no pixels of one size and type u8";
  if (source->channels != recipe.output().channels) return "the number of channels differs";
  if (std::max(recipe.output().height, recipe.output().width) > most_device_side) {
    return fmt::format("the output has more than {} pixels a side", most_device_side);
  }
  return "";
}

bool has_few_taps(const Axis& axis) { return axis.max_taps() <= most_device_taps; }

bool can_be_followed(const SamplePlan& plan) {
  const bool known_fill = plan.fill_mode == FillMode::constant ||
                          plan.fill_mode == FillMode::nearest ||
                          plan.fill_mode == FillMode::reflect || plan.fill_mode == FillMode::wrap;
  const bool known_filter = plan.filter == Filter::nearest || plan.filter == Filter::linear ||
                            plan.filter == Filter::triangle || plan.filter == Filter::box;
  return plan.source_from_output.is_axis_aligned() && plan.operations().empty() && known_fill &&
         known_filter && has_few_taps(row_axis(plan)) && has_few_taps(column_axis(plan));
}

class DeviceAugmenter final : public Augmenter {
 public:
  DeviceAugmenter(const Recipe& recipe, std::shared_ptr<const Augmenter> whole,
                  const std::optional<ImageShape>& source, DeviceWork work)
      : whole_(std::move(whole)), levels_(recipe.without_normalisation().make_augmenter()) {
    const ImageShape& shape = recipe.output();
    stage_.work = work;
    stage_.output = whole_->output();
    stage_.shape = shape;
    stage_.planes = recipe.layout() == Layout::nchw;
    if (source) stage_.source = *source;
    const Finish& finish = static_cast<const RecipeAugmenter&>(*whole_).finish();
    stage_.scales = finish.channel_scales();
    stage_.offsets = finish.offsets_in_output_order();
    std::size_t pixel_bytes = shape.elements();
    if (work == DeviceWork::render) pixel_bytes = std::max(pixel_bytes, stage_.source.elements());
    if (work == DeviceWork::gather) pixel_bytes = 0;
    row_bytes_ = wire_row_bytes(pixel_bytes);
    output_ = {"image", ElementType::u8, {static_cast<std::int64_t>(row_bytes_)}};
    stage_.text = describe();
  }

  const FieldSpec& output() const override { return output_; }
  const DeviceStage* device_stage() const override { return &stage_; }
  int channels() const override { return whole_->channels(); }
  SamplePlan plan(ImageSize source, const Rng& sample) const override {
    return whole_->plan(source, sample);
  }
  bool is_random() const override { return whole_->is_random(); }
  std::uint64_t fingerprint() const override { return whole_->fingerprint(); }

  // Planes come of files, which are no images that a GPU resamples.
  bool takes_planes(const SamplePlan& plan) const override {
    return stage_.work == DeviceWork::finish && levels_->takes_planes(plan);
  }
  void render_planes(const SamplePlan& plan, const ColourPlanes& planes, std::byte* destination,
                     RenderScratch& scratch) const override {
    WirePlan wire;
    wire.kind = WirePlan::Kind::levels;
    std::memcpy(destination, &wire, sizeof wire);
    levels_->render_planes(plan, planes, destination + sizeof wire, scratch);
  }

  void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
              std::byte* destination, RenderScratch& scratch) const override {
    WirePlan wire;
    wire.kind = WirePlan::Kind::levels;
    if (sends_plan(plan, pixels, decoded)) {
      wire.kind =
          stage_.work == DeviceWork::gather ? WirePlan::Kind::gather : WirePlan::Kind::image;
      wire.rows = row_axis(plan);
      wire.columns = column_axis(plan);
      wire.record = scratch.record;
      wire.constant = constant_level(plan);
    } else if (stage_.work == DeviceWork::gather) {
      throw Error(ErrorCode::unsupported,
                  "a GPU cannot make this sample of images that lie there, only of their levels: "
                  "leave --resident out");
    }
    std::memcpy(destination, &wire, sizeof wire);
    std::byte* to = destination + sizeof wire;
    if (wire.kind == WirePlan::Kind::levels) {
      levels_->render(plan, pixels, decoded, to, scratch);
    } else if (wire.kind == WirePlan::Kind::image) {
      const auto row = static_cast<std::size_t>(pixels.shape.width * pixels.shape.channels);
      for (int y = 0; y < pixels.shape.height; ++y, to += row) {
        std::memcpy(to, pixels.row<std::byte>(y), row);
      }
    }
  }

 private:
  bool sends_plan(const SamplePlan& plan, const ImageView& pixels, const Region& decoded) const {
    if (stage_.work == DeviceWork::finish) return false;
    const Region whole{0, 0, stage_.source.height, stage_.source.width};
    return pixels.type == ElementType::u8 && pixels.shape == stage_.source && decoded == whole &&
           plan.source == stage_.source.size() && can_be_followed(plan);
  }

  std::string describe() const {
    const char* where = stage_.work == DeviceWork::finish   ? "normalised and converted"
                        : stage_.work == DeviceWork::render ? "resampled, normalised and converted"
                                                            : "resident, resampled and normalised";
    return fmt::format("{} on the GPU; {} instead of {} bytes an image cross the bus", where,
                       row_bytes_, stage_.output.row_bytes());
  }

  std::shared_ptr<const Augmenter> whole_;
  std::shared_ptr<const Augmenter> levels_;
  DeviceStage stage_;
  std::size_t row_bytes_ = 0;
  FieldSpec output_;
};

}  // namespace

std::shared_ptr<const Augmenter> make_device_augmenter(const Recipe& recipe,
                                                       const DatasetField& image, bool resident) {
  auto whole = recipe.make_augmenter();
  const std::string against = objection(recipe, image);
  const std::optional<ImageShape> source = shape_of(image);
  if (resident) {
    if (static_cast<const RecipeAugmenter&>(*whole).needs_whole_images()) {
      throw Error(ErrorCode::unsupported,
                  "images cannot stay on the GPU: the recipe normalises each as a whole");
    }
    if (!against.empty()) {
      throw Error(ErrorCode::unsupported, "images cannot stay on the GPU: " + against);
    }
    return std::make_shared<DeviceAugmenter>(recipe, std::move(whole), source, DeviceWork::gather);
  }
  const auto& on_host = static_cast<const RecipeAugmenter&>(*whole);
  if (image.kind == FieldKind::pixels && image.type != ElementType::u8) return whole;
  if (on_host.needs_whole_images()) return whole;
  // Images much larger than what is made of them would only make more cross the bus.
  const bool small = source && source->elements() <= 4 * recipe.output().elements();
  const DeviceWork work = against.empty() && small ? DeviceWork::render : DeviceWork::finish;
  if (work == DeviceWork::finish && recipe.type() == ElementType::u8 &&
      recipe.layout() == Layout::nhwc) {
    return whole;  // levels are all there is
  }
  return std::make_shared<DeviceAugmenter>(recipe, std::move(whole), source, work);
}

}  // namespace headrace
