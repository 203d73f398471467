#include "headrace/pipeline/plugin.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

// The program or shared library that holds this code; empty if that cannot be told.
fs::path own_binary() {
  Dl_info info{};
  void* map = nullptr;
  const auto here = reinterpret_cast<void*>(&own_binary);
  if (dladdr1(here, &info, &map, RTLD_DL_LINKMAP) == 0 || map == nullptr) return {};
  // The program itself has no name there, and argv[0], which dladdr gives, may be anything.
  const char* const name = static_cast<const link_map*>(map)->l_name;
  std::error_code ignored;
  return fs::canonical(name[0] == '\0' ? "/proc/self/exe" : name, ignored);
}

std::vector<fs::path> plugin_folders() {
  std::vector<fs::path> folders;
  if (const char* chosen = std::getenv("HEADRACE_PLUGIN_DIR"); chosen && *chosen) {
    folders.emplace_back(chosen);
  }
  if (const fs::path binary = own_binary(); !binary.empty()) {
    folders.push_back(binary.parent_path().parent_path() / "lib" / "headrace");
  }
  folders.emplace_back(HEADRACE_INSTALLED_PLUGIN_DIR);
  return folders;
}

}  // namespace

Plugin::Plugin(const std::string& name) {
  std::string looked;
  for (const fs::path& folder : plugin_folders()) {
    const fs::path path = folder / (name + ".so");
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      looked += (looked.empty() ? "" : ", ") + folder.string();
      continue;
    }
    path_ = path.string();
    handle_ = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) {
      throw Error(ErrorCode::unsupported, std::string("cannot open a plugin: ") + dlerror());
    }
    return;
  }
  throw Error(ErrorCode::unsupported,
              "needs the plugin " + name +
                  ".so, which is not there: install it, or name its folder in "
                  "HEADRACE_PLUGIN_DIR (looked in " +
                  looked + ")");
}

void* Plugin::address(const char* symbol) const {
  void* const found = dlsym(handle_, symbol);
  if (found == nullptr) {
    throw Error(ErrorCode::unsupported,
                path_ + " is no plugin of this version: it has no " + symbol);
  }
  return found;
}

}  // namespace headrace
