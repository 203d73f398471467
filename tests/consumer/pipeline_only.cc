#include <cstdio>

#include "headrace/pipeline/error.h"

int main() {
  try {
    throw headrace::Error(headrace::ErrorCode::corrupt_data, "ends early").with_context("a.jpg");
  } catch (const headrace::Error& error) {
    std::puts(error.what());
    return error.code() == headrace::ErrorCode::corrupt_data ? 0 : 1;
  }
}
