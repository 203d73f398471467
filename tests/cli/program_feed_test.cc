// The program with a GPU, and the feed: what it says where there is none.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "headrace/pipeline/device.h"
#include "headrace/pipeline/error.h"
#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;

bool has_gpu() {
  try {
    open_gpu();
    return true;
  } catch (const Error&) {
    return false;
  }
}

class ProgramFeed : public ProgramTest {
 protected:
  Outcome bench_feed(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "bench",        "feed",      "--data",       path("train.csv"),
        "--model",      "mnist_cnn", "--image-size", "28x28x1",
        "--batch-size", "8",         "--seconds",    "0.3",
        "--warm-up",    "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(std::move(arguments));
  }
};

TEST_F(ProgramFeed, BenchFeedSaysWhoWaitsAndHowManyCoresAreNeeded) {
  export_images();
  const Outcome outcome = bench_feed({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  EXPECT_GT(result["images_per_second"], 0);
  EXPECT_GE(result["wait_share"], 0);
  EXPECT_LE(result["wait_share"], 1);
  EXPECT_GT(result["trainer_images_per_second"], 0);
  EXPECT_GT(result["loader_images_per_core_second"], 0);
  EXPECT_GT(result["cores_needed"], 0);
  EXPECT_EQ(result["bytes_an_image"], 28 * 28 * 4 + 4);
  EXPECT_FALSE(result["verdict"].get<std::string>().empty());
  const Outcome text = bench_feed({});
  EXPECT_THAT(text.output, HasSubstr("to keep this trainer busy the loader needs"));
}

TEST_F(ProgramFeed, WithoutAGpuOneLineSaysSo) {
  if (has_gpu()) GTEST_SKIP() << "there is one";
  export_images();
  const Outcome outcome = bench_feed({"--gpus", "1"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(count_lines(outcome.errors), 1u) << outcome.errors;
  EXPECT_THAT(outcome.errors, AnyOf(HasSubstr("no NVIDIA driver"), HasSubstr("no NVIDIA GPU"),
                                    HasSubstr("driver is too old"), HasSubstr("without CUDA")));
}

TEST_F(ProgramFeed, ResidentImagesNeedAGpu) {
  export_images();
  const Outcome outcome = bench_feed({"--resident"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("give --gpus 1 too"));
}

}  // namespace
}  // namespace headrace::cli
