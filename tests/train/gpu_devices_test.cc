#include "headrace/train/gpu_devices.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(GpuDevices, GivesDevicesOrAReasonWhyThereAreNone) {
  const GpuDevices found = gpu_devices();
  EXPECT_NE(found.devices.empty(), found.reason.empty());
  for (const GpuDevice& device : found.devices) {
    EXPECT_FALSE(device.name.empty());
    EXPECT_GT(device.memory_bytes, 0u);
    EXPECT_GT(device.compute_major, 0);
  }
}

}  // namespace
}  // namespace headrace
