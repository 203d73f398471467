#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace headrace::cpu {

// Threads that share work with the calling one: a oneTBB arena of their own, so that loops of
// others in this process neither join in nor are joined. Nobody waits busily for long.
class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return threads_; }
  // Calls part(0) .. part(parts - 1), on as many threads as there are; returns when all are done.
  // What a part throws is thrown here.
  void run(int parts, const std::function<void(int)>& part);
  // Cuts [0, size) into pieces of at least `grain` and calls piece(first, last) for each.
  void run_ranges(std::size_t size, std::size_t grain,
                  const std::function<void(std::size_t, std::size_t)>& piece);

 private:
  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;  // null: one thread
};

}  // namespace headrace::cpu
