#pragma once

#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Images and labels in arrays of an HDF5 file. `location` is
//
//   FILE.h5                images and labels by the first of these names that are there: x_train
//                          and y_train, train_images and train_labels, images and labels, image
//                          and label, x and y, data and labels, data and label
//   FILE.h5#test           another part: x_test and y_test, or test_images and test_labels
//   FILE.h5#X,Y            arrays by name, in groups too: "#train/images,train/labels"; "#X" alone:
//                          without labels
//
// Images are uint8 or float32 of shape [n, h, w] or [n, h, w, channels], or n files of images
// (JPEG, PNG, ...), each a variable-length array of bytes. Labels are integers of shape [n] or
// [n, 1]: classes, named 0 .. max; texts of shape [n]: names of classes, sorted; floats of shape
// [n] or [n, k], or integers of shape [n, k]: k values to be predicted, one-hot or soft targets.
// Virtual arrays (of other files) and all filters that the library has are read.
//
// The HDF5 library does one thing at a time in a process. What is not compressed, pixels in one
// piece or in chunks of whole images and files of images alike, is read past it, by as many threads
// as there are; the others wait for each other.
//
// Files that are cut short are refused. Beyond that the library trusts what it reads: a file with
// other damage may end the process in it. Take HDF5 from where you would take a program from.
//
// Records: "image" (pixels or encoded_image) and, if there are any, "label".
//
// Throws Error{io}, Error{corrupt_data} or Error{unsupported} naming the file and array, and
// Error{unsupported} where the plugin headrace_hdf5 is not installed.
std::shared_ptr<const Dataset> open_hdf5(std::string_view location,
                                         const DataOptions& options = {});

}  // namespace headrace
