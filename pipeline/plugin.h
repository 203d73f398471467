#pragma once

#include <string>

namespace headrace {

// A shared library opened by name while the program runs, and never closed: libraries behind it
// may have started threads or registered exit handlers. Private to the modules.
class Plugin {
 public:
  // Opens <name>.so from the first of these folders that has it: $HEADRACE_PLUGIN_DIR; lib/headrace
  // beside the folder of the program, or of the shared library, that holds this code; the folder
  // that the build was told to install to.
  // Throws Error{unsupported} saying where it looked, or why it could not be opened.
  explicit Plugin(const std::string& name);

  // Throws Error{unsupported} if the plugin has no such symbol.
  template <class Function>
  Function function(const char* symbol) const {
    return reinterpret_cast<Function>(address(symbol));
  }

 private:
  void* address(const char* symbol) const;

  std::string path_;
  void* handle_ = nullptr;
};

}  // namespace headrace
