#include <array>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/train/layer.h"
#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/average_pooling2d.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/global_pooling2d.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/layers/reshape.h"
#include "headrace/train/layers/zero_padding2d.h"

namespace headrace {
namespace {

struct Kind {
  std::string_view name;
  std::shared_ptr<const Layer> (*make)(const Attributes&);
};

constexpr std::array kinds = {
    Kind{"Activation", Activation::from},
    Kind{"Add", Add::from},
    Kind{"AveragePooling2D", AveragePooling2D::from},
    Kind{"BatchNormalization", BatchNormalization::from},
    Kind{"Concatenate", Concatenate::from},
    Kind{"Conv2D", Conv2D::from},
    Kind{"Dense", Dense::from},
    Kind{"DepthwiseConv2D", DepthwiseConv2D::from},
    Kind{"Dropout", Dropout::from},
    Kind{"Flatten", Flatten::from},
    Kind{"GlobalAveragePooling2D", GlobalAveragePooling2D::from},
    Kind{"GlobalMaxPooling2D", GlobalMaxPooling2D::from},
    Kind{"LSTM", LSTM::from},
    Kind{"LeakyReLU", LeakyReLU::from},
    Kind{"MaxPooling2D", MaxPooling2D::from},
    Kind{"Reshape", Reshape::from},
    Kind{"ZeroPadding2D", ZeroPadding2D::from},
};

}  // namespace

std::shared_ptr<const Layer> make_layer(std::string_view kind, const Attributes& attributes) {
  for (const Kind& known : kinds) {
    if (known.name == kind) return known.make(attributes);
  }
  std::string message = "there is no layer \"" + std::string(kind) + "\"; known:";
  for (const Kind& known : kinds) message += " " + std::string(known.name);
  throw Error(ErrorCode::unsupported, message);
}

}  // namespace headrace
