#include "headrace/pipeline/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <stdexcept>
#include <string>

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Error, CarriesItsCodeAndMessage) {
  const Error error(ErrorCode::unsupported, "arithmetic-coded JPEG");
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_STREQ(error.what(), "arithmetic-coded JPEG");
}

TEST(Error, ContextIsPutBeforeTheMessageAndKeepsTheCode) {
  const Error error = Error(ErrorCode::corrupt_data, "JPEG ends after 4,096 of 58,213 bytes")
                          .with_context("cats/812.jpg")
                          .with_context("train.txt:812");
  EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
  EXPECT_STREQ(error.what(), "train.txt:812: cats/812.jpg: JPEG ends after 4,096 of 58,213 bytes");
}

TEST(Error, IsCaughtAsAStandardException) {
  EXPECT_THROW(throw Error(ErrorCode::backend, "out of memory"), std::runtime_error);
}

TEST(Error, IoErrorSaysWhatTheSystemSaid) {
  const Error error = io_error("cannot open a.jpg", ENOENT);
  EXPECT_EQ(error.code(), ErrorCode::io);
  EXPECT_THAT(error.what(), StartsWith("cannot open a.jpg: "));
  EXPECT_GT(std::string(error.what()).size(), std::string("cannot open a.jpg: ").size());
}

TEST(Error, TooManyOpenFilesSaysHowManyThereMayBeAndHowToRaiseThat) {
  struct rlimit limit {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Error error = io_error("cannot open a.jpg", EMFILE);
  EXPECT_EQ(error.code(), ErrorCode::exhausted);
  EXPECT_THAT(error.what(), HasSubstr("may have " + std::to_string(limit.rlim_cur)));
  EXPECT_THAT(error.what(), HasSubstr("ulimit -n"));
  EXPECT_EQ(io_error("a.jpg", ENFILE).code(), ErrorCode::exhausted);
  EXPECT_EQ(io_error("a.jpg", ENOMEM).code(), ErrorCode::exhausted);
}

TEST(ErrorCode, EveryCodeHasItsName) {
  EXPECT_EQ(to_string(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(to_string(ErrorCode::io), "io");
  EXPECT_EQ(to_string(ErrorCode::corrupt_data), "corrupt_data");
  EXPECT_EQ(to_string(ErrorCode::unsupported), "unsupported");
  EXPECT_EQ(to_string(ErrorCode::backend), "backend");
  EXPECT_EQ(to_string(ErrorCode::exhausted), "exhausted");
  EXPECT_EQ(to_string(ErrorCode::cancelled), "cancelled");
}

}  // namespace
}  // namespace headrace
