#include <cstdlib>
#include <string>

#include "headrace/formats/file_list.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

void parse(std::string_view text, const std::string& name, const std::string& split) {
  headrace::DataOptions options;
  options.split = split;
  try {
    const auto dataset = headrace::parse_file_list(text, name, options);
    const auto classes = static_cast<std::int64_t>(dataset->info().classes.size());
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      if (dataset->label(i) < -1 || dataset->label(i) >= classes) std::abort();
      static_cast<void>(dataset->key(i));
    }
    static_cast<void>(dataset->fingerprint());
  } catch (const headrace::Error&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* split : {"", "train"}) {
    parse(text, "fuzz.csv", split);
    parse(text, "fuzz.jsonl", split);
  }
  return 0;
}
