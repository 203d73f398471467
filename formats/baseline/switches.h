#pragma once

// What headrace_formats_bench compiles once more without, to tell what it costs or gains.
namespace headrace::baseline {

// That nothing a file says is trusted: every limit that keeps reads within the data, and what is
// decoded within what libjpeg decodes alike.
#ifdef HEADRACE_BENCH_TRUSTS_FILES
inline constexpr bool trusts_files = true;
#else
inline constexpr bool trusts_files = false;
#endif

// That several symbols are skipped at a look.
#ifdef HEADRACE_BENCH_SKIPS_ONE_SYMBOL
inline constexpr bool skips_one_symbol = true;
#else
inline constexpr bool skips_one_symbol = false;
#endif

}  // namespace headrace::baseline
