#pragma once

#include <gmock/gmock.h>

#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {

// EXPECT_THAT([&] { ... }, throws_error(ErrorCode::io, HasSubstr("a.jpg")))
template <class MessageMatcher>
auto throws_error(ErrorCode code, MessageMatcher message) {
  return ::testing::Throws<Error>(
      ::testing::AllOf(::testing::Property("code", &Error::code, code),
                       ::testing::Property("what", &Error::what, message)));
}

}  // namespace headrace
