#pragma once

#include <string_view>

#include "headrace/augment/painter.h"

namespace headrace {

// make_painter() of what looks at no pixel but the one that it changes.
template <class Paint>
Painter make_pointwise_painter(std::string_view name, Paint paint) {
  Painter painter = make_painter(name, paint);
  painter.is_pointwise = true;
  return painter;
}

}  // namespace headrace
