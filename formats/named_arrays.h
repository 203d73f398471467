#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {

// What formats of named arrays have in common: which arrays are images and labels, and what their
// shapes mean. Names are for messages: "mnist.npz: x_train". Private to formats.

struct ArrayNames {
  std::string images;
  std::string labels;  // empty: none
};

// `choice` is what stands behind the '#' of a location: two names, one name, a part ("test"), or
// nothing. Throws Error{invalid_argument} if there are no such arrays.
ArrayNames choose_arrays(const std::string& path, std::string_view choice,
                         const std::function<bool(const std::string&)>& has);

// "(60000, 28, 28)".
std::string shape_text(std::span<const std::int64_t> shape);

// Of one image of [n, h, w] or [n, h, w, channels].
// Throws Error{corrupt_data}; Error{unsupported} if channels come first.
ImageShape image_shape_of(const std::string& name, std::span<const std::int64_t> shape);

// Whether there is one label for each image: else there are several values. Throws
// Error{corrupt_data} if the shape is not that of labels of so many images.
bool is_label_each(const std::string& name, std::span<const std::int64_t> shape,
                   std::int64_t images);

struct ArrayLabels {
  std::vector<std::int32_t> classes;  // of each image; or
  std::vector<float> targets;         // `width` of each image; or none of both
  std::size_t width = 0;
  std::vector<std::string> names;  // of the classes

  // The field "label", if there is any, and what it is of one record.
  void describe(DatasetInfo& info) const;
  void put(std::int64_t index, Record& into) const;  // behind the image
  std::int64_t label(std::int64_t index) const;      // of targets the largest; -1 of none
  void add_to(Fingerprint& hash) const;
};

// Where classes are expected, labels are of those. Throw Error{corrupt_data} for one that is none.
ArrayLabels labels_of_numbers(const std::string& name, std::span<const std::int64_t> values,
                              const std::vector<std::string>& expected);
ArrayLabels labels_of_values(std::vector<float> values, std::int64_t images);
ArrayLabels labels_of_texts(const std::string& name, std::span<const std::string> values,
                            const std::vector<std::string>& expected);

}  // namespace headrace
