#include "headrace/cli/spawn.h"

#include <signal.h>

#include "headrace/pipeline/error.h"

namespace headrace::cli {

Spawn::Spawn() {
  ::posix_spawn_file_actions_init(&actions_);
  ::posix_spawnattr_init(&attributes_);
  // Whatever this thread blocks, the child must not: it could not be stopped then.
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes_, &none);
}

Spawn::~Spawn() {
  ::posix_spawnattr_destroy(&attributes_);
  ::posix_spawn_file_actions_destroy(&actions_);
}

void Spawn::connect(int ours, int childs) {
  ::posix_spawn_file_actions_adddup2(&actions_, ours, childs);
}

void Spawn::own_group() {
  flags_ |= POSIX_SPAWN_SETPGROUP;
  ::posix_spawnattr_setpgroup(&attributes_, 0);
}

pid_t Spawn::start(const std::vector<std::string>& command, char* const* environment) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::posix_spawnattr_setflags(&attributes_, flags_);
  pid_t child = 0;
  const int failure =
      ::posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(), environment);
  if (failure != 0) throw io_error(command[0], failure);
  return child;
}

}  // namespace headrace::cli
