#include "headrace/formats/views.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "headrace/formats/dataset_view.h"
#include "headrace/formats/subset.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/keyed_permutation.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

using Source = std::shared_ptr<const Dataset>;

constexpr std::int64_t most_records = std::int64_t{1} << 62;

[[noreturn]] void refuse(const Dataset& dataset, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, dataset.info().name + ": " + what);
}

KeyedPermutation permutation(std::int64_t size, std::uint64_t seed) {
  return {size, Rng(seed, 0).for_operation(stream_id("view"))};
}

// Throws unless records of `other` can stand among those of `first`.
void check_alike(const Dataset& first, const Dataset& other) {
  const DatasetInfo& a = first.info();
  const DatasetInfo& b = other.info();
  const bool fields = std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                                 [](const DatasetField& x, const DatasetField& y) {
                                   const bool is_image = x.kind == FieldKind::encoded_image;
                                   return x.name == y.name && x.kind == y.kind &&
                                          (is_image || (x.type == y.type && x.shape == y.shape));
                                 });
  if (!fields) {
    refuse(other, "its fields are not those of " + a.name + ": other names, types or shapes");
  }
  if (a.classes != b.classes) {
    refuse(other, "its classes are not those of " + a.name +
                      "; open it with these classes (DataOptions::classes)");
  }
}

DatasetInfo common_info(const std::vector<Source>& datasets) {
  if (datasets.empty()) {
    throw Error(ErrorCode::invalid_argument, "a view of several data sets was given none");
  }
  DatasetInfo info = datasets[0]->info();
  for (std::size_t i = 1; i < datasets.size(); ++i) {
    check_alike(*datasets[0], *datasets[i]);
    info.name += " + " + datasets[i]->info().name;
  }
  return info;
}

// A view whose fingerprints are made, in one way, of those of what it looks at.
class FingerprintedView : public DatasetView {
 public:
  std::uint64_t fingerprint() const final {
    return fingerprint_of([](const Dataset& dataset) { return dataset.fingerprint(); });
  }
  std::optional<std::uint64_t> content_fingerprint() const final {
    bool known = true;
    const std::uint64_t value = fingerprint_of([&known](const Dataset& dataset) {
      const std::optional<std::uint64_t> content = dataset.content_fingerprint();
      known = known && content.has_value();
      return content.value_or(0);
    });
    return known ? std::optional(value) : std::nullopt;
  }

 protected:
  using Of = std::function<std::uint64_t(const Dataset&)>;
  using DatasetView::DatasetView;
  virtual std::uint64_t fingerprint_of(const Of& of) const = 0;
};

class Concatenation final : public FingerprintedView {
 public:
  explicit Concatenation(std::vector<Source> datasets)
      : FingerprintedView(common_info(datasets)), datasets_(std::move(datasets)) {
    for (const Source& dataset : datasets_) {
      if (dataset->size() > most_records - size()) refuse(*dataset, "there are too many records");
      ends_.push_back(size() + dataset->size());
    }
  }

  std::int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }

 private:
  std::uint64_t fingerprint_of(const Of& of) const override {
    Fingerprint hash;
    for (const Source& dataset : datasets_) hash.add(of(*dataset)).add(dataset->size());
    return hash.value();
  }
  Place place_of(std::int64_t index) const override {
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), index);
    const auto i = static_cast<std::size_t>(end - ends_.begin());
    return {datasets_[i].get(), index - (i == 0 ? 0 : ends_[i - 1])};
  }

  std::vector<Source> datasets_;
  std::vector<std::int64_t> ends_;
};

class Repetition final : public FingerprintedView {
 public:
  Repetition(Source dataset, std::int64_t times)
      : FingerprintedView(dataset->info()), dataset_(std::move(dataset)), times_(times) {
    if (times < 1 || times > most_records / std::max<std::int64_t>(1, dataset_->size())) {
      refuse(*dataset_, "it cannot be repeated " + std::to_string(times) + " times");
    }
  }

  std::int64_t size() const override { return dataset_->size() * times_; }

 private:
  std::uint64_t fingerprint_of(const Of& of) const override {
    return Fingerprint().add("repeat").add(of(*dataset_)).add(times_).value();
  }
  Place place_of(std::int64_t index) const override {
    return {dataset_.get(), index % dataset_->size()};
  }

  Source dataset_;
  std::int64_t times_;
};

class Shuffling final : public FingerprintedView {
 public:
  Shuffling(Source dataset, std::uint64_t seed)
      : FingerprintedView(dataset->info()),
        dataset_(std::move(dataset)),
        seed_(seed),
        order_(permutation(dataset_->size(), seed)) {}

  std::int64_t size() const override { return dataset_->size(); }

 private:
  std::uint64_t fingerprint_of(const Of& of) const override {
    return Fingerprint().add("shuffle").add(of(*dataset_)).add(seed_).value();
  }
  Place place_of(std::int64_t index) const override { return {dataset_.get(), order_.at(index)}; }

  Source dataset_;
  std::uint64_t seed_;
  KeyedPermutation order_;
};

std::vector<Source> datasets_of(const std::vector<MixtureSource>& sources) {
  std::vector<Source> datasets;
  for (const MixtureSource& source : sources) datasets.push_back(source.dataset);
  return datasets;
}

// The mixture is the sources' parts one behind the other, shuffled as a whole: so what stands at an
// index takes two permutations to find, and no table.
class Mixture final : public FingerprintedView {
 public:
  Mixture(std::vector<MixtureSource> sources, const MixtureOptions& options)
      : FingerprintedView(common_info(datasets_of(sources))),
        sources_(std::move(sources)),
        options_(options) {
    const std::vector<double> shares = shares_of();
    std::int64_t size = options.size;
    if (size < 0 || size > most_records) refuse(*this, "a mixture of no such size");
    if (size == 0) {
      for (std::size_t i = 0; i < shares.size(); ++i) {
        const double needed = static_cast<double>(sources_[i].dataset->size()) / shares[i];
        if (needed > 1e18) refuse(*this, "the weights differ too much");
        size = std::max(size, static_cast<std::int64_t>(std::ceil(needed - 1e-6)));
      }
    }
    lay_out(shares, size);
    // Rounding may have taken a record from a part.
    for (std::size_t i = 0; options.size == 0 && i < shares.size(); ++i) {
      const std::int64_t part = ends_[i] - (i == 0 ? 0 : ends_[i - 1]);
      if (part >= sources_[i].dataset->size()) continue;
      size += static_cast<std::int64_t>(std::ceil(1 / shares[i]));
      lay_out(shares, size);
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
      orders_.push_back(permutation(sources_[i].dataset->size(), options.seed + 1 + i));
    }
    order_ = permutation(size, options.seed);
  }

  std::int64_t size() const override { return ends_.back(); }

 private:
  std::uint64_t fingerprint_of(const Of& of) const override {
    Fingerprint hash;
    hash.add("mixture").add(size()).add(options_.seed);
    for (const MixtureSource& source : sources_) hash.add(of(*source.dataset)).add(source.weight);
    return hash.value();
  }
  std::vector<double> shares_of() const {
    double sum = 0;
    for (const MixtureSource& source : sources_) {
      if (!std::isfinite(source.weight) || source.weight <= 0) {
        refuse(*source.dataset, "its weight in a mixture must be above 0");
      }
      if (source.dataset->size() == 0) refuse(*source.dataset, "it has no records to mix");
      sum += source.weight;
    }
    if (!std::isfinite(sum)) refuse(*this, "the weights are too large");
    std::vector<double> shares;
    for (const MixtureSource& source : sources_) shares.push_back(source.weight / sum);
    return shares;
  }

  // Where the parts end. Rounding the sums and not the parts makes the whole exact.
  void lay_out(const std::vector<double>& shares, std::int64_t size) {
    ends_.clear();
    double sum = 0;
    for (const double share : shares) {
      sum += share;
      ends_.push_back(std::min<std::int64_t>(size, std::llround(sum * static_cast<double>(size))));
    }
    ends_.back() = size;
  }

  Place place_of(std::int64_t index) const override {
    const std::int64_t at = order_.at(index);
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), at);
    const auto i = static_cast<std::size_t>(end - ends_.begin());
    const std::int64_t within = at - (i == 0 ? 0 : ends_[i - 1]);
    const Dataset& dataset = *sources_[i].dataset;
    return {&dataset, orders_[i].at(within % dataset.size())};
  }

  std::vector<MixtureSource> sources_;
  MixtureOptions options_;
  std::vector<std::int64_t> ends_;        // of the parts, before the mixture is shuffled
  std::vector<KeyedPermutation> orders_;  // of the records of each source
  KeyedPermutation order_;                // of the mixture
};

class ClassBalanced final : public FingerprintedView {
 public:
  explicit ClassBalanced(Source dataset)
      : FingerprintedView(dataset->info()), dataset_(std::move(dataset)) {
    std::vector<std::int64_t> counts;
    const std::int64_t records = dataset_->size();
    for (std::int64_t i = 0; i < records; ++i) ++counts[class_of(i, counts)];
    std::vector<std::size_t> place(counts.size());
    begins_.push_back(0);
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] == 0) continue;
      place[c] = static_cast<std::size_t>(begins_.back());
      begins_.push_back(begins_.back() + counts[c]);
      most_ = std::max(most_, counts[c]);
    }
    if (records == 0) refuse(*dataset_, "there are no records to balance");
    if (most_ > most_records / classes()) refuse(*dataset_, "there are too many records");
    records_.resize(static_cast<std::size_t>(records));
    for (std::int64_t i = 0; i < records; ++i) {
      records_[place[static_cast<std::size_t>(dataset_->label(i))]++] = i;
    }
  }

  std::int64_t size() const override { return classes() * most_; }

 private:
  std::uint64_t fingerprint_of(const Of& of) const override {
    return Fingerprint().add("balanced").add(of(*dataset_)).value();
  }
  std::int64_t classes() const { return static_cast<std::int64_t>(begins_.size()) - 1; }

  std::size_t class_of(std::int64_t record, std::vector<std::int64_t>& counts) const {
    const std::int64_t label = dataset_->label(record);
    if (label < 0) {
      throw Error(ErrorCode::invalid_argument,
                  dataset_->key(record) + ": it has no class, so classes cannot be balanced");
    }
    const auto index = static_cast<std::size_t>(label);
    if (index >= counts.size()) counts.resize(index + 1);
    return index;
  }

  // One of each class after the other.
  Place place_of(std::int64_t index) const override {
    const auto c = static_cast<std::size_t>(index % classes());
    const std::int64_t count = begins_[c + 1] - begins_[c];
    const std::int64_t at = begins_[c] + index / classes() % count;
    return {dataset_.get(), records_[static_cast<std::size_t>(at)]};
  }

  Source dataset_;
  std::vector<std::int64_t> records_;  // by class
  std::vector<std::int64_t> begins_;   // of each class that has records, and the end of the last
  std::int64_t most_ = 0;
};

}  // namespace

Source concatenate(std::vector<Source> datasets) {
  return std::make_shared<Concatenation>(std::move(datasets));
}

Source repeat(Source dataset, std::int64_t times) {
  return std::make_shared<Repetition>(std::move(dataset), times);
}

Source shuffled(Source dataset, std::uint64_t seed) {
  return std::make_shared<Shuffling>(std::move(dataset), seed);
}

ShuffleSplit shuffle_split(const Source& dataset, double share, std::uint64_t seed) {
  const std::int64_t size = dataset->size();
  if (!(share > 0 && share < 1)) {
    refuse(*dataset, "a share of it is above 0 and below 1, as 0.9");
  }
  if (size < 2) refuse(*dataset, "it has too few records to be split");
  const std::int64_t first =
      std::clamp<std::int64_t>(std::llround(share * static_cast<double>(size)), 1, size - 1);
  const Source all = shuffled(dataset, seed);
  return {std::make_shared<Subset>(all, 0, first),
          std::make_shared<Subset>(all, first, size - first)};
}

Source mix(std::vector<MixtureSource> sources, const MixtureOptions& options) {
  return std::make_shared<Mixture>(std::move(sources), options);
}

Source class_balanced(Source dataset) {
  return std::make_shared<ClassBalanced>(std::move(dataset));
}

}  // namespace headrace
