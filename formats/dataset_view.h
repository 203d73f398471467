#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// What all views of data sets share: each record is one of a data set below, under its own key, and
// is read where it lies. Views say how many records they have, where each is, and their
// fingerprint.
class DatasetView : public Dataset {
 public:
  const DatasetInfo& info() const final { return info_; }
  void read(std::int64_t index, Record& into) const final;
  bool try_read(std::int64_t index, Record& into) const final;
  std::size_t will_need(std::int64_t index) const final;
  std::int64_t label(std::int64_t index) const final;
  std::string key(std::int64_t index) const final;

 protected:
  struct Place {
    const Dataset* dataset;
    std::int64_t index;
  };
  explicit DatasetView(DatasetInfo info);
  virtual Place place_of(std::int64_t index) const = 0;

 private:
  DatasetInfo info_;
};

}  // namespace headrace
