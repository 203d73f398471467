#include "headrace/pipeline/target_maker.h"

#include <cmath>
#include <cstring>
#include <span>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_fields.h"
#include "headrace/pipeline/orientation.h"

namespace headrace {
namespace {

bool is_encoded(const DatasetField& field) { return field.kind == FieldKind::encoded_image; }

std::string text_of(ImageSize size) {
  return std::to_string(size.height) + "x" + std::to_string(size.width);
}

// A target that moves must be of the kind that its place in a row is for.
void check_numbers(const std::string& subject, const DatasetField& field, std::int64_t each) {
  if (field.kind == FieldKind::values && field.type == ElementType::f32 &&
      field.shape.size() == 2 && field.shape[1] == each) {
    return;
  }
  throw Error(ErrorCode::invalid_argument, subject + " must hold f32 values {n, " +
                                               std::to_string(each) + "}, as targets.h says");
}

// A row's bytes as so many of what they are. Rows of batches are aligned for their elements.
template <class T>
std::span<T> row_of(const Rows& rows, std::size_t field, std::int64_t row) {
  const std::size_t count = rows.spec().fields[field].row_bytes() / sizeof(T);
  return {rows.row_as<T>(field, row), count};
}

}  // namespace

TargetMaker::TargetMaker(const DatasetInfo& info, const Augmenter& augmenter,
                         const Decoder* decoder)
    : augmenter_(&augmenter), mover_(augmenter.targets()) {
  for (std::size_t i = 0; i < info.fields.size(); ++i) {
    const DatasetField& field = info.fields[i];
    if (field.target == FieldTarget::none) continue;
    const std::string subject = info.name + ": field \"" + field.name + "\"";
    if (mover_ == nullptr) {
      throw Error(ErrorCode::invalid_argument,
                  subject +
                      " moves with its image, and what makes these images moves images "
                      "alone: use a recipe on the CPU, or leave the field out");
    }
    switch (field.target) {
      case FieldTarget::points: check_numbers(subject, field, 3); break;
      case FieldTarget::boxes: check_numbers(subject, field, 6); break;
      case FieldTarget::mask: check_image(info, field, decoder, 1); break;
      default: check_image(info, field, decoder, augmenter.channels());
    }
    fields_.push_back({i, &field});
  }
}

bool TargetMaker::any_encoded() const {
  for (const Field& field : fields_) {
    if (is_encoded(*field.description)) return true;
  }
  return false;
}

void TargetMaker::make(SampleScratch& scratch, const Rows& rows, std::int64_t row) const {
  for (const Field& field : fields_) {
    const FieldTarget target = field.description->target;
    try {
      if (target == FieldTarget::points) {
        mover_->move(scratch.plan, row_of<KeyPoint>(rows, field.index, row), scratch.render);
      } else if (target == FieldTarget::boxes) {
        mover_->move(scratch.plan, row_of<Box>(rows, field.index, row), scratch.render);
      } else {
        make_image(scratch, field, rows.row(field.index, row));
      }
    } catch (const Error& error) {
      throw error.with_context("field \"" + field.description->name + "\"");
    }
  }
}

SamplePlan TargetMaker::plan_for(const Field& field, const SamplePlan& plan, ImageSize size) const {
  // The sides may be rounded to whole pixels.
  const double height = static_cast<double>(size.width) * plan.source.height / plan.source.width;
  const double width = static_cast<double>(size.height) * plan.source.width / plan.source.height;
  if (std::abs(height - size.height) > 1 && std::abs(width - size.width) > 1) {
    throw Error(ErrorCode::corrupt_data, text_of(size) + " pixels beside an image of " +
                                             text_of(plan.source) +
                                             ": both must have one proportion of height to width");
  }
  return field.description->target == FieldTarget::mask ? mover_->mask_plan(plan, size)
                                                        : mover_->pair_plan(plan, size);
}

void TargetMaker::render(SampleScratch& scratch, const Field& field, const SamplePlan& plan,
                         const ImageView& pixels, const Region& decoded, std::byte* to) const {
  if (field.description->target == FieldTarget::mask) {
    mover_->render_mask(plan, pixels, decoded, to, scratch.render);
  } else {
    augmenter_->render(plan, pixels, decoded, to, scratch.render);
  }
}

void TargetMaker::make_image(SampleScratch& scratch, const Field& field, std::byte* to) const {
  const RecordValue& value = scratch.record.values[field.index];
  const bool is_mask = field.description->target == FieldTarget::mask;
  if (!is_encoded(*field.description)) {
    const ImageSize size = value.pixels.shape.size();
    render(scratch, field, plan_for(field, scratch.plan, size), value.pixels,
           {0, 0, size.height, size.width}, to);
    return;
  }
  const ImageInfo info = open_image(*scratch.session, value);
  if (is_mask && info.shape.channels != 1 && !info.has_indices) {
    throw Error(ErrorCode::corrupt_data,
                "a mask of " + std::to_string(info.shape.channels) +
                    " channels: save it as a PNG with a palette, whose indices are the classes, "
                    "or as a grey one of 8 bits, whose levels are");
  }
  const ImageSize stored = info.shape.size();
  const SamplePlan plan = plan_for(field, scratch.plan, upright_size(stored, info.orientation));
  const DecodeRequest request{.region = stored_region(plan.region, stored, info.orientation),
                              .channels = is_mask ? 1 : augmenter_->channels(),
                              .indices = is_mask && info.has_indices};
  const Region decoded = scratch.session->decode(request, scratch.decoded);
  const Image* image = &scratch.decoded;
  if (info.orientation != 1) {
    make_upright(scratch.decoded.view(), info.orientation, scratch.upright);
    image = &scratch.upright;
  }
  render(scratch, field, plan, image->view(), upright_region(decoded, stored, info.orientation),
         to);
}

void TargetMaker::make_blank(const Rows& rows, std::int64_t row) const {
  for (const Field& field : fields_) {
    if (field.description->target != FieldTarget::boxes) continue;
    for (Box& box : row_of<Box>(rows, field.index, row)) box = Box{};
  }
}

}  // namespace headrace
