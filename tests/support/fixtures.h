#pragma once

#include <cstdlib>
#include <string>

namespace headrace {

// The folder tests/fixtures: of the source tree, or where HEADRACE_TEST_FIXTURES_AT says that it
// was taken.
inline std::string fixtures_folder() {
  const char* const taken = std::getenv("HEADRACE_TEST_FIXTURES_AT");
  return taken != nullptr ? taken : HEADRACE_TEST_FIXTURES;
}

}  // namespace headrace
