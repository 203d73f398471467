#pragma once

namespace headrace::cli {

// Seconds since this process was started: since before its libraries were loaded, and not only
// since main(). The first call, which should be the first thing that main() does, fixes the start:
// the system tells it in hundredths of a second, and within those it lies as far back as the CPU
// time that the process has used so far. So the start is exact but for what the process waited for
// before main(), and never off by more than 10 ms.
double process_age_seconds();

// CPU time that all threads of this process have used.
double process_cpu_seconds();

}  // namespace headrace::cli
