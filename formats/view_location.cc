#include "headrace/formats/view_location.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/label_names.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/views.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(std::string_view location, const std::string& how) {
  throw Error(ErrorCode::invalid_argument, std::string(location) + ": write it as " + how);
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t end = text.find_last_not_of(' ');
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

// The parts between " + ".
std::vector<std::string_view> summands(std::string_view text) {
  constexpr std::string_view plus = " + ";
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(plus, begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + plus.size();
  }
  return parts;
}

// Opens data sets that stand together: those after the first have its classes.
class TogetherOpener {
 public:
  explicit TogetherOpener(const DataOptions& options) : options_(options) {}

  std::shared_ptr<const Dataset> open(std::string_view location) {
    auto dataset = open_dataset(location, options_);
    if (options_.classes.empty()) options_.classes = dataset->info().classes;
    return dataset;
  }

 private:
  DataOptions options_;
};

std::shared_ptr<const Dataset> open_union(std::string_view text, const DataOptions& options) {
  TogetherOpener opener(options);
  std::vector<std::shared_ptr<const Dataset>> datasets;
  for (const std::string_view part : summands(text)) datasets.push_back(opener.open(part));
  return concatenate(std::move(datasets));
}

std::shared_ptr<const Dataset> open_mixture(std::string_view text, const DataOptions& options) {
  TogetherOpener opener(options);
  std::vector<MixtureSource> sources;
  for (const std::string_view part : summands(text)) {
    const std::size_t space = std::min(part.find(' '), part.size());
    double weight = 0;
    if (!parse_number(part.substr(0, space), weight) || space == part.size()) {
      refuse("mix:" + std::string(text), "mix:0.7 A + 0.3 B");
    }
    sources.push_back({opener.open(trimmed(part.substr(space))), weight});
  }
  return mix(std::move(sources));
}

// A number before the data: "3:A".
std::pair<double, std::string_view> number_and_rest(std::string_view location,
                                                    std::string_view text, const char* how) {
  const std::size_t colon = text.find(':');
  double value = 0;
  if (colon == std::string_view::npos || !parse_number(text.substr(0, colon), value)) {
    refuse(location, how);
  }
  return {value, text.substr(colon + 1)};
}

}  // namespace

std::shared_ptr<const Dataset> open_view(std::string_view location, const DataOptions& options) {
  const std::size_t colon = location.find(':');
  if (colon == std::string_view::npos) return nullptr;
  const std::string_view kind = location.substr(0, colon);
  const std::string_view text = location.substr(colon + 1);
  if (kind == "union") return open_union(text, options);
  if (kind == "mix") return open_mixture(text, options);
  if (kind == "balanced") return class_balanced(open_dataset(text, options));
  if (kind == "repeat") {
    const auto [times, rest] = number_and_rest(location, text, "repeat:3:A");
    if (!(times >= 1 && times <= 1e9)) refuse(location, "repeat:3:A, of 1 to 1,000,000,000 times");
    return repeat(open_dataset(rest, options), static_cast<std::int64_t>(times));
  }
  if (kind == "split" || kind == "rest") {
    const auto [share, rest] = number_and_rest(location, text, "split:0.9:A or rest:0.9:A");
    const ShuffleSplit parts = shuffle_split(open_dataset(rest, options), share);
    return kind == "split" ? parts.first : parts.second;
  }
  return nullptr;
}

}  // namespace headrace
