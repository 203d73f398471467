#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "headrace/augment/affine.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// The cubic B-spline that goes through an image's pixels: Unser, Aldroubi and Eden, "B-spline
// signal processing", 1993. Its coefficients are what two recursive filters make of every row and
// column, each continued as the fill mode says. scipy.ndimage's order 3.
class SplineImage {
 public:
  // Requires that `decoded` is the whole source. u8 or f32 pixels.
  SplineImage(const SamplePlan& plan, const ImageView& pixels, const Region& decoded);

  // The values of an output row.
  void row(int y, float* out) const;

 private:
  struct Taps4 {
    std::array<int, 4> index;  // -1: the constant
    std::array<double, 4> weight;
  };

  template <class T>
  void load(const ImageView& pixels);
  void filter(double* data, int length, std::ptrdiff_t step, std::size_t together,
              std::size_t others, std::ptrdiff_t other_step) const;
  void filter_rows();
  void filter_columns();
  // Of columns that follow one another, of so many channels.
  template <std::size_t channels>
  void blend(const Taps4& rows, const Taps4& columns, float* out) const;
  void blend_singly(const Taps4& rows, const Taps4& columns, float* out) const;

  AffineGrid grid_;
  ImageSize output_;
  FillMode fill_;
  double constant_;
  int channels_;
  // Fill modes that no folding of coefficients can express have some more of them around the image.
  int margin_;
  ImageSize size_;  // with margins
  std::vector<double> coefficients_;
};

}  // namespace headrace
