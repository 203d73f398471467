#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headrace {

// CPUs are numbered as the system does, from 0.

// Those that the calling thread may run on, in ascending order.
std::vector<int> usable_cpus();

// "0-3,6" becomes 0, 1, 2, 3, 6, as with taskset.
// Throws Error{invalid_argument} that names the part that cannot be read.
std::vector<int> parse_cpu_list(std::string_view text);

// The other way: "0-3,6".
std::string to_text(const std::vector<int>& cpus);

// Throws Error{invalid_argument} naming the first CPU that is listed twice, or that the calling
// thread may not run on.
void check_cpu_list(const std::vector<int>& cpus);

}  // namespace headrace
