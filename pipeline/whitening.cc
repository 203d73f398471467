#include "headrace/pipeline/whitening.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t most_values = 4096;

double dot(const double* a, const double* b, std::size_t count) {
  return std::inner_product(a, a + count, b, 0.0);
}

// Brings the matrix to tridiagonal form; rows of `basis` then are the vectors that do it.
void tridiagonalise(std::vector<double>& a, std::vector<double>& basis, std::size_t n,
                    std::vector<double>& diagonal, std::vector<double>& beside) {
  basis.assign(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) basis[i * n + i] = 1;
  std::vector<double> v(n);
  std::vector<double> w(n);
  for (std::size_t k = 0; k + 2 < n; ++k) {
    // The reflection that leaves of column k no more than one element below the diagonal.
    double norm = 0;
    std::fill(v.begin(), v.end(), 0.0);
    for (std::size_t i = k + 1; i < n; ++i) {
      v[i] = a[i * n + k];
      norm += v[i] * v[i];
    }
    norm = std::sqrt(norm);
    if (norm == 0) continue;
    v[k + 1] += v[k + 1] < 0 ? -norm : norm;
    const double length = std::sqrt(dot(v.data(), v.data(), n));
    for (double& x : v) x /= length;
    for (std::size_t i = k; i < n; ++i) w[i] = 2 * dot(&a[i * n + k], &v[k], n - k);
    const double along = dot(&v[k], &w[k], n - k);
    for (std::size_t i = k; i < n; ++i) w[i] -= along * v[i];
    for (std::size_t i = k; i < n; ++i) {
      double* row = &a[i * n];
      for (std::size_t j = k; j < n; ++j) row[j] -= v[i] * w[j] + w[i] * v[j];
    }
    // basis = H basis, row by row: w = basis^T v.
    std::fill(w.begin(), w.end(), 0.0);
    for (std::size_t i = k + 1; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) w[j] += v[i] * basis[i * n + j];
    }
    for (std::size_t i = k + 1; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) basis[i * n + j] -= 2 * v[i] * w[j];
    }
  }
  diagonal.resize(n);
  beside.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
  for (std::size_t i = 0; i + 1 < n; ++i) beside[i] = a[(i + 1) * n + i];
}

void rotate(double* upper, double* lower, double cosine, double sine, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    const double below = lower[j];
    lower[j] = sine * upper[j] + cosine * below;
    upper[j] = cosine * upper[j] - sine * below;
  }
}

// One sweep over the block from `first` to `last`, which splits nowhere.
void sweep(std::vector<double>& d, std::vector<double>& e, std::vector<double>& basis,
           std::size_t n, std::size_t first, std::size_t last) {
  const double ratio = (d[first + 1] - d[first]) / (2 * e[first]);
  const double shift = e[first] / (ratio + std::copysign(std::hypot(ratio, 1.0), ratio));
  double g = d[last] - d[first] + shift;
  double sine = 1;
  double cosine = 1;
  double moved = 0;
  for (std::size_t i = last; i-- > first;) {
    const double f = sine * e[i];
    const double b = cosine * e[i];
    const double r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {
      d[i + 1] -= moved;
      e[last] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1] - moved;
    const double both = (d[i] - g) * sine + 2 * cosine * b;
    moved = sine * both;
    d[i + 1] = g + moved;
    g = cosine * both - b;
    rotate(&basis[i * n], &basis[(i + 1) * n], cosine, sine, n);
  }
  d[first] -= moved;
  e[first] = g;
  e[last] = 0;
}

// Sums of the values of images and of their products.
class Covariance {
 public:
  explicit Covariance(std::size_t values) : sums_(values), products_(values * values), x_(values) {}

  template <class T>
  void add(std::span<const T> image, double rescale) {
    const std::size_t n = image.size();
    for (std::size_t i = 0; i < n; ++i) x_[i] = static_cast<double>(image[i]) * rescale;
    for (std::size_t i = 0; i < n; ++i) {
      sums_[i] += x_[i];
      double* row = &products_[i * n];
      for (std::size_t j = 0; j <= i; ++j) row[j] += x_[i] * x_[j];
    }
    ++images_;
  }

  double images() const { return static_cast<double>(images_); }

  // About the means of the channels.
  std::vector<double> matrix(std::size_t channels) {
    const std::size_t n = sums_.size();
    std::vector<double> means(channels);
    for (std::size_t i = 0; i < n; ++i) means[i % channels] += sums_[i];
    for (double& mean : means) mean /= images() * static_cast<double>(n / channels);
    for (std::size_t i = 0; i < n; ++i) {
      const double own = means[i % channels];
      for (std::size_t j = 0; j <= i; ++j) {
        const double other = means[j % channels];
        double& value = products_[i * n + j];
        value = (value - own * sums_[j] - other * sums_[i]) / images() + own * other;
        products_[j * n + i] = value;
      }
    }
    return std::move(products_);
  }

 private:
  std::int64_t images_ = 0;
  std::vector<double> sums_;
  std::vector<double> products_;  // the lower triangle
  std::vector<double> x_;
};

}  // namespace

std::vector<double> eigenvectors(std::vector<double>& matrix, std::size_t n) {
  std::vector<double> basis;
  std::vector<double> d;
  std::vector<double> e;
  tridiagonalise(matrix, basis, n, d, e);
  for (std::size_t first = 0; first < n; ++first) {
    for (int sweeps = 0;; ++sweeps) {
      std::size_t last = first;
      while (last + 1 < n) {
        const double size = std::abs(d[last]) + std::abs(d[last + 1]);
        if (std::abs(e[last]) <= std::numeric_limits<double>::epsilon() * size) break;
        ++last;
      }
      if (last == first) break;
      if (sweeps == 100) throw Error(ErrorCode::invalid_argument, "whitening did not converge");
      sweep(d, e, basis, n, first, last);
    }
  }
  matrix = std::move(basis);
  return d;
}

std::vector<float> fit_whitening(Loader& images, double rescale, double epsilon) {
  const std::size_t field = images.spec().index_of("image");
  const FieldSpec& spec = images.spec().fields[field];
  const auto n = static_cast<std::size_t>(spec.elements());
  const bool fits = spec.type == ElementType::u8 || spec.type == ElementType::f32;
  if (spec.shape.size() != 3 || !fits || n > most_values) {
    throw Error(ErrorCode::invalid_argument,
                "whitening needs images of u8 or f32 of at most " + std::to_string(most_values) +
                    " values; field \"image\" has " + std::to_string(n) + " of " +
                    std::string(to_string(spec.type)));
  }
  Covariance covariance(n);
  while (const auto batch = images.next()) {
    const FieldView view = batch->field(field);
    for (std::size_t at = 0; at < static_cast<std::size_t>(batch->size()) * n; at += n) {
      if (spec.type == ElementType::u8) {
        covariance.add(view.as<std::uint8_t>().subspan(at, n), rescale);
      } else {
        covariance.add(view.as<float>().subspan(at, n), rescale);
      }
    }
  }
  if (covariance.images() == 0) {
    throw Error(ErrorCode::invalid_argument, "whitening needs at least one image");
  }
  std::vector<double> vectors = covariance.matrix(static_cast<std::size_t>(spec.shape[2]));
  const std::vector<double> values = eigenvectors(vectors, n);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  order.resize(std::min(n, static_cast<std::size_t>(covariance.images())));
  std::vector<double> matrix(n * n);
  for (const std::size_t k : order) {
    const double factor =
        1 / (std::sqrt(std::max(values[k], 0.0)) + epsilon / std::sqrt(covariance.images()));
    const double* vector = &vectors[k * n];
    for (std::size_t i = 0; i < n; ++i) {
      const double scaled = vector[i] * factor;
      double* row = &matrix[i * n];
      for (std::size_t j = 0; j < n; ++j) row[j] += scaled * vector[j];
    }
  }
  return {matrix.begin(), matrix.end()};
}

}  // namespace headrace
