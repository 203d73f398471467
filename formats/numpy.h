#pragma once

#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Images and labels in arrays of NumPy. `location` is
//
//   FILE.npz                 arrays of one file: x_train and y_train (as in Keras' mnist.npz), or
//                            train_images and train_labels, images and labels, x and y, or data and
//                            labels: the first of these that is there
//   FILE.npz#test            another part: x_test and y_test, or test_images and test_labels
//   FILE.npz#X,Y             arrays by name; "#X" alone: without labels
//   IMAGES.npy,LABELS.npy    two files
//   IMAGES.npy               labels in y_train.npy beside x_train.npy, in labels.npy beside
//                            images.npy, or none
//
// Images are uint8 or float32 (float64 becomes float32) of shape [n, h, w] or [n, h, w, channels].
// Labels are integers of shape [n] or [n, 1]: classes, named 0 .. max; or floats of shape [n] or
// [n, k], or integers of shape [n, k]: k values to be predicted, one-hot or soft targets. Arrays
// are in C's order and little-endian; .npz may be compressed.
//
// Records: "image" (pixels) and, if there are any, "label". Up to 1 GiB of images is held in
// memory; a larger .npy, or array of an .npz that is not compressed, is read from the disk, record
// by record.
//
// Throws Error{io}, Error{corrupt_data} naming the file and array, or Error{unsupported} saying
// what to save instead.
std::shared_ptr<const Dataset> open_numpy(std::string_view location,
                                          const DataOptions& options = {});

}  // namespace headrace
