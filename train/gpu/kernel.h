#pragma once

#include <variant>

#include "headrace/train/gpu/kernels/clipping.h"
#include "headrace/train/gpu/kernels/convolution.h"
#include "headrace/train/gpu/kernels/dropout.h"
#include "headrace/train/gpu/kernels/elementwise.h"
#include "headrace/train/gpu/kernels/functions.h"
#include "headrace/train/gpu/kernels/loss.h"
#include "headrace/train/gpu/kernels/lstm.h"
#include "headrace/train/gpu/kernels/normalization.h"
#include "headrace/train/gpu/kernels/optimizer.h"
#include "headrace/train/gpu/kernels/pooling.h"
#include "headrace/train/gpu/kernels/statistics.h"

// All kernels, in their three shapes.
namespace headrace::gpu {

// For each of items(): operator()(item).
using EachKernel =
    std::variant<Copy<1>, Copy<8>, Refit, Sum<1>, Sum<8>, Spread<1>, Spread<8>, AddBias<1>,
                 AddBias<8>, Border, Swap, Normalise<1>, Normalise<8>, NormaliseBackward<1>,
                 NormaliseBackward<8>, UseMoving, MoveStatistics, MaxPool, MaxPoolBackward,
                 AveragePool, AveragePoolBackward, DirectForward, DirectInputGradient, Activate<1>,
                 Activate<8>, ActivateBackward<1>, ActivateBackward<8>, Softmax, SoftmaxBackward,
                 Drop, LstmStep, LstmStepBackward, LossOfRows, Update, ScaleDown, Halve, Exchange>;

// For each channel two sums over all groups, then finish().
using ColumnKernel = std::variant<Moments<1>, Moments<8>, Slopes<1>, Slopes<8>, BiasSums<1>,
                                  BiasSums<8>, TapGradient>;

// For each segment one sum, then finish().
using SegmentKernel = std::variant<AddRows, SquarePieces>;

}  // namespace headrace::gpu
