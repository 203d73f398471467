#include "headrace/cli/backend_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "../support/error_matcher.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Gpus, ANumberIsACountAndWhatHasACommaOrAPrefixAList) {
  EXPECT_THAT(parse_gpus("0"), IsEmpty());
  EXPECT_THAT(parse_gpus("1"), ElementsAre(0));
  EXPECT_THAT(parse_gpus("4"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(parse_gpus("0,2"), ElementsAre(0, 2));
  EXPECT_THAT(parse_gpus("3,1,0"), ElementsAre(3, 1, 0));
  EXPECT_THAT(parse_gpus("gpu:2"), ElementsAre(2));
  EXPECT_THAT(parse_gpus("gpu:0,gpu:3"), ElementsAre(0, 3));
  EXPECT_THAT(parse_gpus("gpu:1,2"), ElementsAre(1, 2));
}

TEST(Gpus, WhatIsNeitherIsRefusedWithItsWord) {
  const auto expect_refused = [](const std::string& text, const std::string& what) {
    EXPECT_THAT([&] { parse_gpus(text); },
                throws_error(ErrorCode::invalid_argument,
                             AllOf(HasSubstr("--gpus " + text + ":"), HasSubstr(what))));
  };
  for (const char* text : {"", "all", "-1", "1.5", "4x", "99999"}) expect_refused(text, "no count");
  expect_refused("0,", "'' is no GPU");
  expect_refused(",1", "'' is no GPU");
  expect_refused("gpu:", "'gpu:' is no GPU");
  expect_refused("cpu:0", "'cpu:0' is no GPU");
  expect_refused("0,x,2", "'x' is no GPU");
  expect_refused("2,gpu:2", "GPU 2 is there twice");
}

TEST(Gpus, ThoseThatAreNotThereAreNamed) {
  GpuDevices two;
  two.devices.resize(2);
  require_gpus({}, {});
  require_gpus({0, 1}, two);
  EXPECT_THAT(
      [&] { require_gpus(parse_gpus("4"), two); },
      throws_error(ErrorCode::invalid_argument, AllOf(HasSubstr("no GPU 2"), HasSubstr("2 GPUs"))));
  EXPECT_THAT(
      [&] {
        require_gpus({0}, {{}, "no driver"});
      },
      throws_error(ErrorCode::unsupported,
                   AllOf(HasSubstr("no driver"), HasSubstr("leave --gpus out"))));
}

TEST(Gpus, EachProcessOfAMachineHasItsOwn) {
  const auto of_local_rank = [](const char* rank, const std::vector<int>& gpus) {
    ::setenv("OMPI_COMM_WORLD_LOCAL_RANK", rank, 1);
    return gpu_of_process(gpus);
  };
  EXPECT_EQ(of_local_rank("1", {}), std::nullopt);
  EXPECT_EQ(of_local_rank("1", {5}), 5);  // shared
  EXPECT_EQ(of_local_rank("0", {0, 2}), 0);
  EXPECT_EQ(of_local_rank("1", {0, 2}), 2);
  EXPECT_THAT(
      [&] {
        of_local_rank("2", {0, 2});
      },
      throws_error(ErrorCode::invalid_argument,
                   AllOf(HasSubstr("2 GPUs"), HasSubstr("process 2"))));
  ::unsetenv("OMPI_COMM_WORLD_LOCAL_RANK");
}

}  // namespace
}  // namespace headrace::cli
