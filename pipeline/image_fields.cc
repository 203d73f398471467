#include "headrace/pipeline/image_fields.h"

#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/targets.h"

namespace headrace {
namespace {

bool is_image(FieldKind kind) {
  return kind == FieldKind::encoded_image || kind == FieldKind::pixels;
}

}  // namespace

FieldSpec batch_field(const DatasetField& field, const Augmenter& augmenter) {
  const FieldSpec& image = augmenter.output();
  const TargetMover* mover = augmenter.targets();
  if (field.target == FieldTarget::mask && mover != nullptr) {
    const ImageSize size = mover->output();
    return {field.name, ElementType::u8, {size.height, size.width}};
  }
  switch (field.kind) {
    case FieldKind::encoded_image:
    case FieldKind::pixels: return {field.name, image.type, image.shape};
    case FieldKind::class_label: return {field.name, ElementType::i32, {}};
    case FieldKind::values: return {field.name, field.type, field.shape};
  }
  return {};
}

std::size_t find_image(const DatasetInfo& info) {
  std::size_t found = info.fields.size();
  for (std::size_t i = 0; i < info.fields.size(); ++i) {
    if (!is_image(info.fields[i].kind) || info.fields[i].target != FieldTarget::none) continue;
    if (found != info.fields.size()) {
      throw Error(ErrorCode::invalid_argument, info.name + ": two image fields, \"" +
                                                   info.fields[found].name + "\" and \"" +
                                                   info.fields[i].name + "\": choose one");
    }
    found = i;
  }
  if (found == info.fields.size()) {
    throw Error(ErrorCode::invalid_argument, info.name + ": this data set has no image field");
  }
  return found;
}

void check_image(const DatasetInfo& info, const DatasetField& field, const Decoder* decoder,
                 int channels) {
  const std::string subject = info.name + ": field \"" + field.name + "\"";
  const std::string wanted = std::to_string(channels);
  if (field.kind == FieldKind::encoded_image) {
    if (decoder == nullptr) {
      throw Error(ErrorCode::invalid_argument,
                  subject + " holds encoded images: a decoder is needed to read them");
    }
    if (channels != 1 && channels != 3) {
      throw Error(ErrorCode::invalid_argument,
                  subject + " holds encoded images, which can be decoded to 1 or 3 channels, not " +
                      wanted + ": change the recipe's output");
    }
    return;
  }
  if (field.shape.size() != 3) {
    throw Error(ErrorCode::invalid_argument,
                subject + " has " + std::to_string(field.shape.size()) +
                    " dimensions: pixels need height, width and channels");
  }
  if (field.type != ElementType::u8 && field.type != ElementType::f32) {
    throw Error(ErrorCode::invalid_argument, subject + " holds pixels of type " +
                                                 std::string(to_string(field.type)) +
                                                 ": u8 and f32 can be used");
  }
  if (field.shape[2] != channels) {
    throw Error(ErrorCode::invalid_argument, subject + " has " + std::to_string(field.shape[2]) +
                                                 " channels, the recipe takes " + wanted +
                                                 ": change the recipe's output");
  }
}

ImageInfo open_image(DecodeSession& session, const RecordValue& value) {
  const ImageInfo info = session.open_with_hint(value.bytes, value.hint);
  if (info.orientation < 1 || info.orientation > 8) {
    throw Error(ErrorCode::corrupt_data,
                "an orientation of " + std::to_string(info.orientation) + ": it is 1 to 8");
  }
  return info;
}

}  // namespace headrace
