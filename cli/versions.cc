#include "headrace/cli/versions.h"

#include <dnnl_version.h>
#include <fmt/format.h>
#include <jconfig.h>
#include <oneapi/dnnl/dnnl.h>
#include <spdlog/version.h>
#include <tbb/version.h>
#include <toml++/toml.h>
#include <xxhash.h>
#include <zlib.h>

#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>

namespace headrace::cli {
namespace {

std::string dotted(unsigned number) {  // 90100 as fmt and others write it
  return fmt::format("{}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang++ {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

std::string jpeg_version() {
  constexpr int number = LIBJPEG_TURBO_VERSION_NUMBER;  // 2001005 is 2.1.5
  return fmt::format("{}.{}.{}", number / 1000000, number / 1000 % 1000, number % 1000);
}

}  // namespace

std::string headrace_version() { return HEADRACE_VERSION; }

std::string build_description() {
  return fmt::format("{}, {}, C++{}", HEADRACE_BUILD_TYPE, compiler(), __cplusplus / 100 % 100);
}

std::vector<LibraryVersion> library_versions() {
  return {
      {"oneTBB", TBB_runtime_version()},
      {"oneDNN", onednn_version()},
      {"libjpeg-turbo", jpeg_version()},
      {"zlib", zlibVersion()},
      {"xxHash", dotted(XXH_VERSION_NUMBER)},
      {"fmt", dotted(FMT_VERSION)},
      {"spdlog", dotted(SPDLOG_VERSION)},
      {"CLI11", CLI11_VERSION},
      {"nlohmann-json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"toml++", fmt::format("{}.{}.{}", TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH)},
  };
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512bw")) features.emplace_back("avx512bw");
  if (__builtin_cpu_supports("avx512vnni")) features.emplace_back("avx512vnni");
#endif
  return features;
}

}  // namespace headrace::cli
