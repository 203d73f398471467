#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace headrace {

// What kind of thing went wrong, for programs; the message is for people.
enum class ErrorCode {
  invalid_argument,  // the caller asked for something that makes no sense
  io,                // the operating system refused: missing file, full disk, ...
  corrupt_data,      // bytes that are not what they claim to be
  unsupported,       // sound data or a sound wish that this build cannot serve
  backend,           // a compute library or device failed
  exhausted,         // the process or machine ran out of open files or memory
  cancelled,         // the user or another part of the program asked to stop
};

std::string_view to_string(ErrorCode code);

// The one exception of the library. The message says what went wrong with which data, and what to
// do about it: "train.txt:812: cats/812.jpg: JPEG ends after 4,096 of 58,213 bytes".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message);

  ErrorCode code() const noexcept { return code_; }

  // The same error with "context: " put before its message: each layer that knows more about the
  // data (the file, then the list line) adds what it knows on the way out.
  Error with_context(std::string_view context) const;

 private:
  ErrorCode code_;
};

// An Error{io} "what: <text of errno_value>", e.g. io_error("cannot open a.jpg", errno). For want
// of open files or memory it is an Error{exhausted}, and says what the limit is and how to raise
// it.
Error io_error(std::string_view what, int errno_value);

}  // namespace headrace
