#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

struct ColourPlanes;
struct DeviceStage;
class TargetMover;

// Scratch memory of one rendering thread, kept from image to image. Opaque: an Augmenter puts
// there what it needs between calls, and must not let results depend on what it finds.
struct RenderScratch {
  std::vector<std::byte> bytes;
  std::int64_t record = 0;        // whose pixels are rendered, in its data set
  std::vector<std::byte> canvas;  // an image between geometry and normalisation
  std::vector<std::byte> spare;   // what an operation on it needs beside
  std::vector<std::byte> planes;  // brightness and colour, before they become an image
  std::vector<std::byte> motion;  // where pixels come from, for the targets of the image too
};

// A recipe: decides what becomes of an image (plan), then does it (render).
// All functions are const, pure, and safe to call from many threads at once.
class Augmenter {
 public:
  virtual ~Augmenter() = default;

  // The batch field that render() writes: its type and shape; the name is the caller's.
  virtual const FieldSpec& output() const = 0;

  // Channels that the pixels given to render() must have: 1 or 3 (for encoded images), or the
  // pixels' own number.
  virtual int channels() const = 0;

  // Draws everything random about one image. `sample` is the stream of (seed, epoch, sample);
  // each operation draws from its own `sample.for_operation(...)`.
  // Throws Error{invalid_argument} if an image of that size cannot be used.
  virtual SamplePlan plan(ImageSize source, const Rng& sample) const = 0;

  // Whether plan() draws anything: false if the same image always becomes the same row.
  virtual bool is_random() const { return true; }

  // Renders `pixels`, which show `decoded` of the source and contain plan.region, into
  // `destination` (output().row_bytes() bytes). The result depends on nothing but the plan and the
  // pixels of plan.region. u8 or f32 pixels.
  virtual void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                      std::byte* destination, RenderScratch& scratch) const = 0;

  // Whether render_planes() can follow the plan.
  virtual bool takes_planes(const SamplePlan& plan) const {
    static_cast<void>(plan);
    return false;
  }
  // As render(), of what DecodeSession::decode_planes() gave for plan.region: brightness and
  // colours are resampled each for itself, and become RGB at the output's resolution. What comes of
  // it differs from render() a little. Requires takes_planes(plan); to be overridden with it.
  virtual void render_planes(const SamplePlan&, const ColourPlanes&, std::byte* /*destination*/,
                             RenderScratch&) const {}

  // For recipes whose rows a GPU finishes (device_stage.h): how; output() is then what crosses the
  // bus. Null: rows are finished.
  virtual const DeviceStage* device_stage() const { return nullptr; }

  // For what moves with an image (targets.h): masks, boxes, key points, a second image. Lives as
  // long as the augmenter. Null: it knows images alone.
  virtual const TargetMover* targets() const { return nullptr; }

  // Differs when any batch could differ.
  virtual std::uint64_t fingerprint() const = 0;
};

}  // namespace headrace
