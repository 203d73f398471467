#include "headrace/formats/duplicates.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <tuple>
#include <utility>

namespace headrace {
namespace {

constexpr int most_each = 3;  // below the number of bands: two images that are alike share a band
constexpr int most_together = 4;
constexpr int bands = 4;
constexpr int band_bits = 16;
// Of images that share a band, one is compared with so many that follow: where there are many more,
// they are of one kind, and sorting brings those that are alike together.
constexpr std::size_t most_compared = 512;
constexpr int most_colour = 12;      // levels
constexpr double most_shape = 0.03;  // of the ratio of the sides

using Index = std::uint32_t;

bool alike(const RecordFacts& a, const RecordFacts& b) {
  const int across = std::popcount(a.across ^ b.across);
  const int down = std::popcount(a.down ^ b.down);
  if (across > most_each || down > most_each || across + down > most_together) return false;
  for (std::size_t c = 0; c < 3; ++c) {
    if (std::abs(a.mean[c] - b.mean[c]) > most_colour) return false;
  }
  const double first = static_cast<double>(a.width) * b.height;
  const double second = static_cast<double>(b.width) * a.height;
  return std::abs(first - second) <= most_shape * std::max(first, second);
}

// Sets that are joined; the least of each stands for it.
class Sets {
 public:
  explicit Sets(std::size_t count) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), Index{0});
  }
  Index find(Index i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void join(Index a, Index b) {
    a = find(a);
    b = find(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<Index> parents_;
};

// Groups of `members`, which ascend, by their sets; alone is no group.
std::vector<RecordGroup> groups_of(const std::vector<Index>& members, Sets& sets) {
  std::vector<std::pair<Index, Index>> pairs;
  for (const Index member : members) pairs.emplace_back(sets.find(member), member);
  std::sort(pairs.begin(), pairs.end());
  std::vector<RecordGroup> groups;
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin + 1;
    while (end < pairs.size() && pairs[end].first == pairs[begin].first) ++end;
    if (end - begin > 1) {
      RecordGroup& group = groups.emplace_back();
      for (std::size_t i = begin; i < end; ++i) group.push_back(pairs[i].second);
    }
    begin = end;
  }
  return groups;
}

std::vector<Index> where(std::span<const RecordFacts> facts, auto is_wanted) {
  std::vector<Index> indices;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (is_wanted(facts[i])) indices.push_back(static_cast<Index>(i));
  }
  return indices;
}

std::vector<RecordGroup> find_same(std::span<RecordFacts> facts) {
  const std::vector<Index> members = where(facts, [](const RecordFacts& f) { return f.hash != 0; });
  std::vector<Index> order = members;
  const auto key = [&](Index i) { return std::tuple(facts[i].hash, facts[i].bytes, i); };
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return key(a) < key(b); });
  Sets sets(facts.size());
  for (std::size_t i = 1; i < order.size(); ++i) {
    const RecordFacts& before = facts[order[i - 1]];
    const RecordFacts& now = facts[order[i]];
    if (now.hash == before.hash && now.bytes == before.bytes) sets.join(order[i - 1], order[i]);
  }
  std::vector<RecordGroup> groups = groups_of(members, sets);
  for (const RecordGroup& group : groups) {
    const auto at = [&](std::int64_t i) -> RecordFacts& {
      return facts[static_cast<std::size_t>(i)];
    };
    const bool two = std::any_of(group.begin(), group.end(),
                                 [&](std::int64_t i) { return at(i).label != at(group[0]).label; });
    for (const std::int64_t i : group) {
      if (i != group[0]) at(i).add(Finding::duplicate);
      if (two) at(i).add(Finding::two_labels);
    }
  }
  return groups;
}

void join_alike(std::span<const RecordFacts> facts, std::vector<Index>& members, int band,
                Sets& sets) {
  const auto part = [&](Index i) {
    return static_cast<std::uint16_t>(facts[i].across >> (band * band_bits));
  };
  std::sort(members.begin(), members.end(), [&](Index a, Index b) {
    return std::tuple(part(a), facts[a].across, facts[a].down, a) <
           std::tuple(part(b), facts[b].across, facts[b].down, b);
  });
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::size_t end = std::min(members.size(), i + 1 + most_compared);
    for (std::size_t k = i + 1; k < end && part(members[k]) == part(members[i]); ++k) {
      if (alike(facts[members[i]], facts[members[k]])) sets.join(members[i], members[k]);
    }
  }
}

}  // namespace

Duplicates find_duplicates(std::span<RecordFacts> facts) {
  Duplicates found;
  found.same = find_same(facts);
  const std::vector<Index> members = where(facts, [](const RecordFacts& f) {
    return (f.across | f.down) != 0 && !f.has(Finding::duplicate);
  });
  Sets sets(facts.size());
  std::vector<Index> order = members;
  for (int band = 0; band < bands; ++band) join_alike(facts, order, band, sets);
  found.alike = groups_of(members, sets);
  for (const RecordGroup& group : found.alike) {
    for (std::size_t i = 1; i < group.size(); ++i) {
      facts[static_cast<std::size_t>(group[i])].add(Finding::near_duplicate);
    }
  }
  return found;
}

}  // namespace headrace
