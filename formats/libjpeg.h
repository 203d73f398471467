#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>

// Uses size_t and FILE without declaring them: stays behind the others.
#include <jpeglib.h>

namespace headrace {

// libjpeg's error handling, for code that throws: instead of ending the program, a call that fails
// returns to guarded(), and nothing is printed. Private to formats.
struct LibjpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg's callbacks know only this
  std::jmp_buf jump;
  bool strict = false;  // warnings fail, too

  LibjpegErrors();
  std::string message();  // of the last failure, without "Corrupt JPEG data: "
};

// Leaves the guarded() body under way, as a libjpeg call that fails does.
[[noreturn]] void abandon(j_common_ptr info, int message_code);

// Runs `body`; false if a libjpeg call in it failed. The body must hold nothing with a destructor:
// failing skips it.
template <class Body>
bool guarded(LibjpegErrors& errors, const Body& body) {
  if (setjmp(errors.jump) != 0) return false;
  body();
  return true;
}

}  // namespace headrace
