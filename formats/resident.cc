#include "headrace/formats/resident.h"

#include <utility>

#include "headrace/formats/array_dataset.h"
#include "headrace/formats/label_names.h"
#include "headrace/pipeline/error.h"

namespace headrace {

void map_labels(const std::string& name, std::vector<std::int32_t>& labels,
                const std::vector<std::string>& own, const std::vector<std::string>& expected) {
  std::vector<std::int32_t> mapped(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) mapped[i] = class_index(own[i], expected);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    labels[i] = mapped[label];
    if (labels[i] < 0) {
      throw Error(ErrorCode::corrupt_data, name + ": record " + std::to_string(i) + " has label '" +
                                               own[label] + "', which is not one of the " +
                                               std::to_string(expected.size()) + " classes" +
                                               list_classes(expected));
    }
  }
}

std::shared_ptr<const Dataset> make_resident(std::string name, ResidentImages images,
                                             std::vector<std::string> own_classes,
                                             const std::vector<std::string>& expected_classes) {
  if (!expected_classes.empty()) map_labels(name, images.labels, own_classes, expected_classes);
  const auto owner = std::make_shared<const ResidentImages>(std::move(images));
  ImageArrays arrays;
  arrays.shape = owner->shape;
  arrays.u8_pixels = owner->pixels;
  arrays.labels = owner->labels;
  arrays.classes = expected_classes.empty() ? std::move(own_classes) : expected_classes;
  arrays.name = std::move(name);
  arrays.owner = owner;
  return std::make_shared<ArrayDataset>(std::move(arrays));
}

}  // namespace headrace
