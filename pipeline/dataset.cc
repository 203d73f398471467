#include "headrace/pipeline/dataset.h"

#include "headrace/pipeline/error.h"

namespace headrace {

std::size_t DatasetInfo::index_of(std::string_view field) const {
  std::string known;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == field) return i;
    known += (i == 0 ? "" : ", ") + fields[i].name;
  }
  throw Error(ErrorCode::invalid_argument, name + ": no field \"" + std::string(field) +
                                               "\" in this data set; it has: " + known);
}

}  // namespace headrace
