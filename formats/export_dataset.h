#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/error_policy.h"

namespace headrace {

// Turns pixels into the bytes of an image file. Called from many threads at once.
using ImageEncoder = std::function<void(const ImageView& pixels, std::vector<std::byte>& encoded)>;

struct ExportOptions {
  // The list to write: "demo/train.csv".
  std::filesystem::path list = {};
  // The folder of the images, relative to the list's. Empty: "images/" and the list's name without
  // its suffix.
  std::filesystem::path images = {};
  // A folder for each class: images/train/cats/000812.jpg; else images/train/000812.jpg.
  bool class_folders = true;
  // Of pixels; images that are already encoded are copied byte for byte, with their own suffix.
  std::string suffix = ".jpg";
  // Differs when the encoder's output may differ, so that a second export knows what it can keep.
  std::uint64_t encoder_fingerprint = 0;
  // Of images that cannot be read or encoded: fail, or skip, which leaves them out of the list. A
  // tree has no place for blank ones.
  ErrorPolicy on_error = ErrorPolicy::fail;
  ErrorBudget error_budget = {};
  int threads = 0;  // 0: one for each core this process may use
  // Set by a signal handler or another thread: the export ends early with Error{cancelled}.
  const std::atomic<bool>* stop = nullptr;
  // Called now and then, from one thread at a time, with the images done so far.
  std::function<void(std::int64_t done)> progress;
};

struct ExportResult {
  std::int64_t written = 0;
  std::int64_t kept = 0;   // were already there, from an earlier export of the same data
  std::int64_t bytes = 0;  // of the images written
  ErrorReport errors;      // images that were left out, unless nothing had to be done
};

// Writes a data set as a tree of image files and a list `path,label` that open_dataset reads back:
// same order, same class indices, paths relative to the list. Labels are written as class names
// where those are sorted and none is a number, else as class indices; a data set without labels
// gives a list of paths. (A class without images is not known to the list: open it with the
// classes of the data set.)
//
// Every file is written beside its place and renamed, the list last: it is never there without its
// images. An export that was cut short goes on where it stopped, and one that is complete writes
// nothing. A file ".headrace-export" in the folder of the images says what they are of; a folder
// that holds anything else is refused.
//
// Throws Error{io} naming the file (full disk, missing permission, ...), and, unless on_error
// helps, what reading or encoding throws, after the record's key. An older list then stays as it
// was.
ExportResult export_dataset(const Dataset& dataset, const ImageEncoder& encode,
                            const ExportOptions& options);

}  // namespace headrace
