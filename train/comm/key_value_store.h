#pragma once

#include <chrono>
#include <string>

namespace headrace {

// Values by name that all processes of a job see: the few bytes by which they find each other.
// Used by one thread at a time. Not installed.
class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;

  // A name is given a value once. Throws Error{backend}.
  virtual void set(const std::string& name, const std::string& value) = 0;
  // Waits until somebody has set it. Throws Error{backend} when the deadline passes.
  virtual std::string get(const std::string& name, std::chrono::milliseconds deadline) = 0;
};

}  // namespace headrace
