#pragma once

#include <string>
#include <vector>

namespace headrace::cli {

struct LibraryVersion {
  std::string name;
  std::string version;
};

std::string headrace_version();   // "0.1.0"
std::string build_description();  // "Release, g++ 12.2.0, C++20"
// The libraries that the program runs with; where one can tell, as they are now and not as they
// were when the program was built.
std::vector<LibraryVersion> library_versions();
// Vector extensions of this processor that make a difference here: "avx2", "avx512f", ...
std::vector<std::string> cpu_features();

}  // namespace headrace::cli
