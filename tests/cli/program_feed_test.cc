// The program's loader and trainer together.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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

}  // namespace
}  // namespace headrace::cli
