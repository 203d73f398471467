#include "headrace/formats/dataset_view.h"

#include <utility>

namespace headrace {

DatasetView::DatasetView(DatasetInfo info) : info_(std::move(info)) {}

void DatasetView::read(std::int64_t index, Record& into) const {
  const Place place = place_of(index);
  place.dataset->read(place.index, into);
}

bool DatasetView::try_read(std::int64_t index, Record& into) const {
  const Place place = place_of(index);
  return place.dataset->try_read(place.index, into);
}

std::size_t DatasetView::will_need(std::int64_t index) const {
  const Place place = place_of(index);
  return place.dataset->will_need(place.index);
}

std::int64_t DatasetView::label(std::int64_t index) const {
  const Place place = place_of(index);
  return place.dataset->label(place.index);
}

std::string DatasetView::key(std::int64_t index) const {
  const Place place = place_of(index);
  return place.dataset->key(place.index);
}

}  // namespace headrace
