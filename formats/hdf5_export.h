#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/error_policy.h"

namespace headrace {

struct Hdf5ExportOptions {
  bool overwrite = false;  // replace a file that is there
  // Of images that cannot be read: fail, or skip, which leaves them out.
  ErrorPolicy on_error = ErrorPolicy::fail;
  ErrorBudget error_budget = {};
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::int64_t done)> progress = {};
};

struct Hdf5ExportResult {
  std::int64_t images = 0;
  std::int64_t bytes = 0;  // of the file
  ErrorReport errors = {};
};

// Writes images and labels of a data set into an HDF5 file, which is there whole or not at all, and
// which open_hdf5() reads back: the same records in the same order. The same data give the same
// file.
//
//   images   pixels of one shape: u8 or f32 [n, height, width, channels], in chunks of whole
//   images;
//            image files: n arrays of bytes of variable length, byte for byte
//   labels   names of classes (texts), where these are sorted and none is a number; else class
//            numbers (i64); values, if those are what records have: f32 [n, k]. Left out if there
//            are none: the file is then opened as FILE.h5#images
//
// Throws Error{invalid_argument} if there are no images, or something is at `path` already;
// Error{unsupported} if pixels differ in shape, or the plugin headrace_hdf5 is not installed;
// Error{io}; Error{cancelled} when told to stop; and, unless on_error helps, what reading throws,
// after the record's key.
Hdf5ExportResult export_hdf5(const Dataset& dataset, const std::filesystem::path& path,
                             const Hdf5ExportOptions& options = {});

}  // namespace headrace
