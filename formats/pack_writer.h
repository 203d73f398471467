#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/error_policy.h"

namespace headrace {

// Makes another image of upright u8 pixels, of 1 or 3 channels; called from many threads at once.
using ImageResizer = std::function<void(const ImageView& pixels, Image& into)>;

struct PackOptions {
  // Images as pixels, upright, which need no decoder: large, and fast to read. Image files become
  // `channels` channels, 1 or 3; pixels stay what they are.
  bool raw = false;
  int channels = 3;
  // Encode images anew, upright, as JPEG of that quality, 1 to 100. 0: image files stay as they
  // are, byte for byte, and pixels stay pixels, unless `resize` makes others of them: 95 then.
  int quality = 0;
  ImageResizer resize = {};
  // Differs when another `resize` makes other pixels.
  std::uint64_t resize_fingerprint = 0;
  // How the images were made, for people who look at the pack.
  std::string how = {};
  // Bytes of a part; a larger pack has several. 0: no limit.
  std::uint64_t part_bytes = 0;
  // Replace another pack that is there.
  bool overwrite = false;
  // Of images that cannot be read (or decoded, where that is needed): fail, or skip, which leaves
  // them out.
  ErrorPolicy on_error = ErrorPolicy::fail;
  ErrorBudget error_budget = {};
  int threads = 0;  // 0: one for each core
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::int64_t done)> progress = {};  // called from one thread at a time
};

struct PackReport {
  std::int64_t records = 0;  // in the pack
  std::int64_t kept = 0;     // of these, from an earlier run; all of them: there was nothing to do
  std::int64_t indexed = 0;  // of those written now, JPEG files with seek points beside them
  std::int64_t bytes = 0;    // of all files
  std::int64_t parts = 0;
  ErrorReport errors = {};  // records that were left out
};

// Packs a data set into `path` and, if it is large, `path`.001 and so on (docs/pack.md). The files
// are written beside their places, as `path`.partial, and put there when all is done. If writing is
// cut short, also by a kill, the same call goes on with what is there; the result is the same, byte
// for byte. What the data set's names and sizes do not tell, such as an image that has changed
// since then, is not noticed. Throws Error{invalid_argument} if the data set has no image, options
// contradict each other, or something else is at `path`; Error{unsupported} for pixels that cannot
// be made what is asked for; Error{io} naming the file; Error{cancelled} when told to stop; and,
// unless on_error helps, what reading throws, after the record's key.
PackReport write_pack(const Dataset& dataset, const std::filesystem::path& path,
                      const PackOptions& options = {});

// Compares a pack with the data set that it was made of by those options: every pixel, label and
// key, and what the seek points lead to. Returns the number of records.
// Throws Error{corrupt_data} naming the first record that differs, or what was left out or added.
std::int64_t verify_pack(const Dataset& dataset, const std::filesystem::path& path,
                         const PackOptions& options = {});

}  // namespace headrace
