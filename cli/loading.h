#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/cli/error_report.h"
#include "headrace/cli/gpu_feed.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loading_options.h"
#include "headrace/pipeline/cached_dataset.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {

// What LoadingOptions come to in one run of a command: the memory, the threads and the trace that
// all of its loaders share, and what became of bad images.
class Loading {
 public:
  // The report of bad images goes to `report_default` if --error-report says nothing else; "" for
  // nowhere. Throws Error naming the option.
  explicit Loading(const LoadingOptions& options, std::string report_default = "");
  ~Loading();

  // From now on shuffled() and in_order() make samples that a GPU finishes, and loader_options()
  // are of loaders that bring them there. To be called once, before these; null does nothing.
  void use_gpu(const GpuFeedOptions& options, std::shared_ptr<Device> device);
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

  // How images are to be decoded. In full where their pixels are cached, --fast-scale or not, so
  // that the fingerprint says which pixels there are.
  DecodeOptions decoding() const {
    return {.fast_scale = options_.fast_scale && options_.cache != "pixels",
            .fast_chroma = options_.fast_chroma,
            .background = options_.background.empty()
                              ? std::nullopt
                              : std::optional(parse_background(options_.background)),
            .seek_index = seek_index_};
  }

  // The samples that a recipe makes of the images, as --shuffle says, or in their own order, with
  // what --cache asks for. Their bad images come into error_reports(). Make all sequences, then
  // all loaders: caches fill as soon as these work. Throws Error naming --memory or --cache if that
  // is what cannot be.
  std::shared_ptr<const ImageSequence> shuffled(const ImageData& data, const Recipe& recipe,
                                                std::uint64_t seed);
  std::shared_ptr<const ImageSequence> in_order(const ImageData& data, const Recipe& recipe);
  // In their own order, with bad images left blank where the option says to skip them: for
  // commands that leave out their rows.
  std::shared_ptr<const ImageSequence> row_by_row(const ImageData& data, const Recipe& recipe);

  // Batches of so many images, with threads, memory and the rest as the options say.
  LoaderOptions loader_options(std::int64_t batch_size) const;
  // Throws Error as Loader does, naming --memory if that is what is too small.
  std::unique_ptr<Loader> make_loader(std::shared_ptr<const Sequence> sequence,
                                      const LoaderOptions& options) const;

  // Gives a recipe the mean that it wants, by one pass over the images, unaugmented, in memory that
  // batches of `batch_size` would take, if it is bounded; or, if an earlier run has kept it for the
  // same data (kept_statistics.h), without. Says so.
  // Throws Error{cancelled} when interrupted.
  void fit_mean(Recipe& recipe, const ImageData& data, std::int64_t batch_size,
                Interrupt& interrupt);

  // Of what was made by shuffled() and the like, in that order.
  std::vector<NamedReport> error_reports() const;
  // Images that are kept by --cache, and how many samples were made of what was kept.
  struct CacheUse {
    std::int64_t kept = 0;
    std::int64_t hits = 0;
  };
  CacheUse cache_use() const;
  // Samples that --fast-chroma made faster.
  std::int64_t fast_chroma_samples() const;
  // What --memory is used for: "slots of batches 12.0 MB: 12.0 of 64.0 MB"; "" without it.
  std::string memory_text() const;
  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }

  // Does what loads. An error about an image then also says how to go on without it.
  template <class Work>
  auto guarded(Work work) const {
    try {
      return work();
    } catch (const Error& error) {
      throw with_way_out(error);
    }
  }
  Error with_way_out(const Error& error) const;

  // Says what became of bad images and writes the report of them and the trace. To be called once,
  // when all is loaded; destroying a Loading that was not finished does the same where a command
  // fails, and only warns if it cannot. Throws Error{io}.
  void finish();

 private:
  struct Made {
    std::shared_ptr<const ImageSequence> sequence;
    std::shared_ptr<const CachedDataset> cache;  // of --cache encoded
    bool leaves_out = false;
  };
  void fit_in_one_pass(Recipe& recipe, const ImageData& data, std::int64_t batch_size,
                       Interrupt& interrupt, bool& all_were_read);
  std::shared_ptr<const ImageSequence> make(const ImageData& data, const Recipe& recipe,
                                            const ImageSequenceOptions& options);
  std::shared_ptr<const ImageSequence> make_for_device(const ImageData& data, const Recipe& recipe,
                                                       const ImageSequenceOptions& options);
  std::shared_ptr<const ImageSequence> make_cached(const ImageData& data, const Recipe& recipe,
                                                   ImageSequenceOptions options);
  ImageSequenceOptions sequence_options() const;

  const LoadingOptions& options_;
  std::shared_ptr<const SeekIndex> seek_index_;  // null: there is none
  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<ComputePool> pool_;  // null: the process's
  std::shared_ptr<Trace> trace_;
  GpuFeedOptions gpu_feed_;
  std::shared_ptr<Device> device_;
  const std::string report_file_;
  std::vector<Made> made_;
  bool finished_ = false;
};

}  // namespace headrace::cli
