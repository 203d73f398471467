#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// How much of the work on an image a GPU does.
enum class DeviceWork : std::uint8_t {
  none,    // rows are finished on the host and cross the bus as they are
  finish,  // rows are u8 levels, [height, width, channels]; the GPU normalises, converts, lays out
  render,  // rows are u8 images as the data set has them, each with its plan
  gather,  // rows are plans alone: all images lie on the GPU
};

// What a GPU does to an image field: how rows as they cross the bus become rows of a batch. The
// pixels are those that the host would make, bit for bit.
struct DeviceStage {
  DeviceWork work = DeviceWork::none;
  // What the field becomes: type, shape as laid out. The name is the caller's.
  FieldSpec output;
  ImageShape shape;     // of the output, whatever its layout
  bool planes = false;  // [channels, height, width]
  ImageShape source;    // of the data set's images, for render and gather
  // value = level * scales[channel] + offsets[...], unless the output is u8. Offsets are as many as
  // channels, or as elements of the output, in its order.
  std::vector<float> scales;
  std::vector<float> offsets;
  // For people: "normalised and converted on the GPU; u8 over the bus, 150,528 instead of 602,112
  // bytes an image".
  std::string text;
};

}  // namespace headrace
