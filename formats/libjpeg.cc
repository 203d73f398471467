#include "headrace/formats/libjpeg.h"

#include <jerror.h>

#include <string_view>

namespace headrace {
namespace {

[[noreturn]] void leave(j_common_ptr info) {
  std::longjmp(reinterpret_cast<LibjpegErrors*>(info->err)->jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && reinterpret_cast<LibjpegErrors*>(info->err)->strict) leave(info);
}

void ignore_output(j_common_ptr) {}

}  // namespace

LibjpegErrors::LibjpegErrors() {
  jpeg_std_error(&manager);
  manager.error_exit = leave;
  manager.emit_message = on_message;
  manager.output_message = ignore_output;
}

std::string LibjpegErrors::message() {
  // format_message reads nothing of the object but `err`.
  jpeg_common_struct info{};
  info.err = &manager;
  char buffer[JMSG_LENGTH_MAX];
  manager.format_message(&info, buffer);
  constexpr std::string_view prefix = "Corrupt JPEG data: ";
  std::string_view text = buffer;
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return std::string(text);
}

void abandon(j_common_ptr info, int message_code) {
  info->err->msg_code = message_code;
  leave(info);
}

}  // namespace headrace
