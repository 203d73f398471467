#pragma once

#include <hdf5.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

// What the parts of the plugin share of HDF5's library.
namespace headrace::hdf5 {

// The library is built without thread safety, or has a lock of its own just as wide.
inline std::mutex& library() {
  static std::mutex mutex;
  return mutex;
}

// What the library said last, innermost first.
inline std::string last_error() {
  std::string text;
  const auto note = [](unsigned, const H5E_error2_t* error, void* to) -> herr_t {
    auto& said = *static_cast<std::string*>(to);
    if (said.empty() && error->desc != nullptr) said = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note, &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "the HDF5 library gives no reason" : text;
}

[[noreturn]] inline void fail(const std::string& what) { throw std::runtime_error(what); }

inline hid_t checked(hid_t id, const std::string& what) {
  if (id < 0) fail(what + ": " + last_error());
  return id;
}

// An identifier of the library, and how it is given back.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t), const std::string& what)
      : id_(checked(id, what)), close_(close) {}
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

}  // namespace headrace::hdf5
