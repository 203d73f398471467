#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headrace {

// Class numbers are below this: a larger one is a mistake, and would cost memory.
constexpr std::int64_t most_classes = 1'000'000;

// What labels in text mean: class indices where all of them are whole numbers, else names of
// classes. Each distinct text gets a number when it is first met; what class that number stands
// for is known when all texts have been met.
class LabelNames {
 public:
  // The number of a text, which must stay in memory; `line` is where it stands.
  std::int32_t intern(std::string_view text, std::uint32_t line);

  // The values of all texts, by their numbers, if these are numbers and not all whole; else
  // nothing.
  std::vector<float> decimals() const;

  // The class of each number, and the names of the classes. Throws Error{corrupt_data} beginning
  // with what `where` says of the first line of the label at fault.
  struct Classes {
    std::vector<std::int32_t> of_number;
    std::vector<std::string> names;
  };
  using Where = std::function<std::string(std::uint32_t line)>;
  Classes resolve(const Where& where, const std::vector<std::string>& expected) const;

 private:
  struct Entry {
    std::string_view text;
    std::uint32_t line;
  };
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::int32_t> numbers_;
  std::int32_t last_ = -1;
};

// The class of one label among `expected`: its name, or its index if no class is named by a number.
// -1: none.
std::int32_t class_index(std::string_view label, const std::vector<std::string>& expected);

// A number that an f32 can hold, all of `text`.
bool parse_number(std::string_view text, double& value);

// True if a label of that text could be a class index.
bool is_whole_number(std::string_view text);

// "0", "1", ... : names of classes that have none.
std::vector<std::string> number_names(std::size_t count);

// " (a, b, c, ...)": what classes there are, for messages.
std::string list_classes(const std::vector<std::string>& classes);

}  // namespace headrace
