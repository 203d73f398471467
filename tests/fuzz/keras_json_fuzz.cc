#include <cstdlib>
#include <string_view>

#include "headrace/pipeline/error.h"
#include "headrace/train/keras_json.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const headrace::Shape& input : {headrace::Shape{}, headrace::Shape{8, 8, 3}}) {
    try {
      const headrace::Graph graph = headrace::graph_from_keras_json(text, input);
      // What is written of it is read as the same.
      const std::string written = headrace::to_keras_json(graph);
      if (headrace::to_keras_json(headrace::graph_from_keras_json(written)) != written)
        std::abort();
    } catch (const headrace::Error&) {
    }
  }
  try {
    static_cast<void>(headrace::Graph::from_json(text).summary());
  } catch (const headrace::Error&) {
  }
  return 0;
}
