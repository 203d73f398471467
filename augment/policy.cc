#include "headrace/augment/policy.h"

#include <cmath>

#include "headrace/augment/angle.h"

namespace headrace {

void apply_policy(PolicyOperation operation, double magnitude, Geometry& geometry) {
  const auto paint = [&](const char* name, double value) {
    geometry.paint(stream_id(name), {value});
  };
  switch (operation) {
    case PolicyOperation::identity: return;
    case PolicyOperation::shear_x: return geometry.apply({.xy = -magnitude});
    case PolicyOperation::shear_y: return geometry.apply({.yx = -magnitude});
    case PolicyOperation::translate_x: return geometry.apply({.xt = -std::trunc(magnitude)});
    case PolicyOperation::translate_y: return geometry.apply({.yt = -std::trunc(magnitude)});
    case PolicyOperation::rotate: {
      const double c = cosine(magnitude);
      const double s = sine(magnitude);
      return geometry.turn(c, -s, s, c);
    }
    case PolicyOperation::brightness: return paint("brightness", 1 + magnitude);
    case PolicyOperation::saturation: return paint("saturation", 1 + magnitude);
    case PolicyOperation::contrast: return paint("contrast", 1 + magnitude);
    case PolicyOperation::sharpness: return paint("sharpen", 1 + magnitude);
    case PolicyOperation::posterize: return paint("posterize", std::trunc(magnitude));
    case PolicyOperation::solarize: return paint("solarize", magnitude);
    case PolicyOperation::autocontrast: return geometry.paint(stream_id("autocontrast"));
    case PolicyOperation::equalize: return geometry.paint(stream_id("equalize"));
    case PolicyOperation::invert: return geometry.paint(stream_id("invert"));
  }
}

}  // namespace headrace
