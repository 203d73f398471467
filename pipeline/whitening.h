#pragma once

#include <vector>

#include "headrace/pipeline/loader.h"

namespace headrace {

// The matrix that decorrelates images: W = U diag(1 / (sqrt(l) + epsilon / sqrt(n))) U^T, of the
// eigenvectors U and eigenvalues l of the covariance of n images, values times `rescale` minus the
// mean of their channel; of as many components as there can be, min(n, values). Row after row,
// symmetric. Keras' zca_whitening, which takes the singular values of all images in memory instead.
//
// One pass over one epoch of `images`, whose field "image" must be u8 or f32 of shape {height,
// width, channels}: an unaugmented sequence. Memory and time grow with the second and third power
// of the number of values: 784 take seconds, 3,072 minutes and 230 MB.
// Throws Error{invalid_argument} if the field does not fit, or if there are more than 4,096 values.
std::vector<float> fit_whitening(Loader& images, double rescale, double epsilon);

// The eigenvalues of a symmetric matrix of n x n, in no order; row i of `matrix` becomes the
// eigenvector of the i-th. Householder's tridiagonal form, then QL with implicit shifts: Golub and
// Van Loan, "Matrix computations", 8.3.
std::vector<double> eigenvectors(std::vector<double>& matrix, std::size_t n);

}  // namespace headrace
