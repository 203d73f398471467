// One header of each module, and one function of its library.
#include <cstdio>

#include "headrace/pipeline/error.h"

int main() {
  const headrace::Error error(headrace::ErrorCode::io, "cannot open a.jpg");
  std::puts(error.what());
  return 0;
}
