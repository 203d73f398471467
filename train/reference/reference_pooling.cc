// The largest and the mean, in windows and over whole images.
#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {
namespace {

// The window that is the whole image, at its only place.
Window whole(const Use& use) { return {{use.input()[0], use.input()[1]}, 1, Padding::valid}; }

// A use whose output is an image of one pixel.
Use with_pixel(Use use) {
  if (use.output.rank() == 1) use.output = Shape{1, 1, use.output[0]};
  return use;
}

// For each output value the number of the input value it came from.
std::vector<std::int64_t> winners(const Use& use, const Window& window, const Values& x) {
  const std::int64_t channels = use.input()[2];
  std::vector<std::int64_t> winner(at(use.rows * use.output.elements()), -1);
  slide(use, window, [&](std::int64_t out, std::int64_t in, std::int64_t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      std::int64_t& best = winner[at(out * channels + c)];
      const std::int64_t candidate = in * channels + c;
      if (best < 0 || x[at(candidate)] > x[at(best)]) best = candidate;
    }
  });
  return winner;
}

Values largest(const Use& use, const Window& window, const Values& x) {
  Values y;
  for (std::int64_t winner : winners(use, window, x)) y.push_back(x[at(winner)]);
  return y;
}

Values largest_backward(const Use& use, const Window& window, const Values& x, const Values& dy) {
  Values dx = zeros(use, use.input());
  const auto winner = winners(use, window, x);
  for (std::size_t i = 0; i < winner.size(); ++i) dx[at(winner[i])] += dy[i];
  return dx;
}

// How many places of the window lie in the image, for each output pixel.
std::vector<double> counts(const Use& use, const Window& window) {
  std::vector<double> count(at(use.rows * use.output[0] * use.output[1]), 0.0);
  slide(use, window, [&](std::int64_t out, std::int64_t, std::int64_t) { count[at(out)] += 1; });
  return count;
}

Values mean(const Use& use, const Window& window, const Values& x) {
  const std::int64_t channels = use.input()[2];
  const auto count = counts(use, window);
  Values y = zeros(use, use.output);
  slide(use, window, [&](std::int64_t out, std::int64_t in, std::int64_t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      y[at(out * channels + c)] += x[at(in * channels + c)] / count[at(out)];
    }
  });
  return y;
}

Values mean_backward(const Use& use, const Window& window, const Values& dy) {
  const std::int64_t channels = use.input()[2];
  const auto count = counts(use, window);
  Values dx = zeros(use, use.input());
  slide(use, window, [&](std::int64_t out, std::int64_t in, std::int64_t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      dx[at(in * channels + c)] += dy[at(out * channels + c)] / count[at(out)];
    }
  });
  return dx;
}

}  // namespace

Values forward(const Use& use, const MaxPooling2D& layer, const Values& x) {
  return largest(use, layer.window(), x);
}

Values backward(const Use& use, const MaxPooling2D& layer, const Values& x, const Values&,
                const Values& dy, std::span<Values>) {
  return largest_backward(use, layer.window(), x, dy);
}

Values forward(const Use& use, const GlobalMaxPooling2D&, const Values& x) {
  return largest(with_pixel(use), whole(use), x);
}

Values backward(const Use& use, const GlobalMaxPooling2D&, const Values& x, const Values&,
                const Values& dy, std::span<Values>) {
  return largest_backward(with_pixel(use), whole(use), x, dy);
}

Values forward(const Use& use, const AveragePooling2D& layer, const Values& x) {
  return mean(use, layer.window(), x);
}

Values backward(const Use& use, const AveragePooling2D& layer, const Values&, const Values&,
                const Values& dy, std::span<Values>) {
  return mean_backward(use, layer.window(), dy);
}

Values forward(const Use& use, const GlobalAveragePooling2D&, const Values& x) {
  return mean(with_pixel(use), whole(use), x);
}

Values backward(const Use& use, const GlobalAveragePooling2D&, const Values&, const Values&,
                const Values& dy, std::span<Values>) {
  return mean_backward(with_pixel(use), whole(use), dy);
}

}  // namespace headrace::reference
