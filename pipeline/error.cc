#include "headrace/pipeline/error.h"

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace headrace {
namespace {

std::string open_files_advice() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return ": raise the limit with ulimit -n";
  return ": this process may have " + std::to_string(limit.rlim_cur) +
         ", raise that with ulimit -n, or use fewer threads";
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::io: return "io";
    case ErrorCode::corrupt_data: return "corrupt_data";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::backend: return "backend";
    case ErrorCode::exhausted: return "exhausted";
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
  const std::string text = std::string(what) + ": " + std::generic_category().message(errno_value);
  switch (errno_value) {
    case EMFILE: return {ErrorCode::exhausted, text + open_files_advice()};
    case ENFILE:
      return {ErrorCode::exhausted,
              text + ": the whole machine's limit, see fs.file-max in sysctl"};
    case ENOMEM: return {ErrorCode::exhausted, text};
    default: return {ErrorCode::io, text};
  }
}

}  // namespace headrace
