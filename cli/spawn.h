#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace headrace::cli {

// How a child process is started, without a shell.
class Spawn {
 public:
  Spawn();
  ~Spawn();
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  // The child's descriptor is a copy of this one of ours.
  void connect(int ours, int childs);
  // A group of its own: signals from the keyboard do not reach it.
  void own_group();
  // Returns its process number. Throws Error{io} naming the program.
  pid_t start(const std::vector<std::string>& command, char* const* environment);

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  short flags_ = POSIX_SPAWN_SETSIGMASK;
};

}  // namespace headrace::cli
