#pragma once

#include <gtest/gtest.h>

#include <string>

#include "headrace/pipeline/error.h"

namespace headrace::test {

// The message of the Error that `action` throws; fails the test if it is of another code.
template <class Action>
std::string error_of(ErrorCode code, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

}  // namespace headrace::test
