#include "headrace/pipeline/error.h"

#include <system_error>

namespace headrace {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::io: return "io";
    case ErrorCode::corrupt_data: return "corrupt_data";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::backend: return "backend";
    case ErrorCode::cancelled: return "cancelled";
  }
  return "unknown";
}

Error::Error(ErrorCode code, const std::string& message)
    : std::runtime_error(message), code_(code) {}

Error Error::with_context(std::string_view context) const {
  return Error(code_, std::string(context) + ": " + what());
}

Error io_error(std::string_view what, int errno_value) {
  return Error(ErrorCode::io,
               std::string(what) + ": " + std::generic_category().message(errno_value));
}

}  // namespace headrace
