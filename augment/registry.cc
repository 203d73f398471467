#include "headrace/augment/auto_augment.h"
#include "headrace/augment/autocontrast.h"
#include "headrace/augment/blur.h"
#include "headrace/augment/brightness.h"
#include "headrace/augment/channel_shift.h"
#include "headrace/augment/color_jitter.h"
#include "headrace/augment/contrast.h"
#include "headrace/augment/crop.h"
#include "headrace/augment/elastic.h"
#include "headrace/augment/equalize.h"
#include "headrace/augment/flip.h"
#include "headrace/augment/grey.h"
#include "headrace/augment/hue.h"
#include "headrace/augment/invert.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/perspective.h"
#include "headrace/augment/posterize.h"
#include "headrace/augment/rand_augment.h"
#include "headrace/augment/random_crop.h"
#include "headrace/augment/random_erasing.h"
#include "headrace/augment/rotation.h"
#include "headrace/augment/saturation.h"
#include "headrace/augment/sharpen.h"
#include "headrace/augment/shear.h"
#include "headrace/augment/shift.h"
#include "headrace/augment/solarize.h"
#include "headrace/augment/zoom.h"

namespace headrace {

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      random_resized_crop(),
      short_side(),
      center_crop(),
      random_crop(),
      rotation(),
      width_shift(),
      width_shift_pixels(),
      width_shift_choices(),
      height_shift(),
      height_shift_pixels(),
      height_shift_choices(),
      shear(),
      zoom(),
      horizontal_flip(),
      vertical_flip(),
      alternating_flip(),
      auto_augment(),
      rand_augment(),
      trivial_augment(),
      perspective(),
      elastic(),
      channel_shift(),
      brightness(),
      contrast(),
      saturation(),
      hue(),
      color_jitter(),
      grey(),
      blur(),
      sharpen(),
      posterize(),
      solarize(),
      autocontrast(),
      equalize(),
      invert(),
      random_erasing(),
      cutout(),
  };
  return all;
}

}  // namespace headrace
