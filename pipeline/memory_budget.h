#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace headrace {

// A number of bytes that loaders and caches share, so that one number bounds them all. What a part
// cannot do without is refused at once if it is not left; what it can do without, such as one more
// record in a cache, it asks for. Make loaders before caches fill: what a cache has taken it
// keeps. Thread-safe. Shares keep the budget alive.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes);

  // Bytes that one part has, until it is destroyed.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share();

    std::size_t bytes() const;
    // Takes more, if it is left. Always true without a budget.
    bool try_grow(std::size_t bytes);
    void shrink(std::size_t bytes) noexcept;  // by no more than bytes()

   private:
    friend class MemoryBudget;
    struct Part;
    std::shared_ptr<Part> part_;
  };

  // A part's first share. `name` is for people: "slots of batches".
  // Throws Error{invalid_argument} with the budget that would do, if these bytes and `spare` more,
  // which are not taken, are not left.
  Share take(std::string name, std::size_t bytes, std::size_t spare = 0);

  std::size_t total() const;
  std::size_t left() const;
  // "slots of batches 12.0 MB, cache 300.5 MB: 312.5 of 512.0 MB"
  std::string report() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// "12.3 MB", MB being 10^6 bytes.
std::string to_megabytes(std::size_t bytes);

}  // namespace headrace
