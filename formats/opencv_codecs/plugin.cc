// The plugin headrace_opencv_codecs: image files that OpenCV decodes.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include "headrace/formats/luma.h"
#include "headrace/formats/opencv_codecs/interface.h"

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

namespace headrace {
namespace {

struct Refused {
  headrace_opencv_result result;
  const char* reason;
};

unsigned to_8_bits(std::uint8_t value) { return value; }
unsigned to_8_bits(std::uint16_t value) { return (value + 128u) / 257u; }

// A share `alpha` of a value, and the rest of a background, both of 8 or 16 bits.
template <class T>
unsigned over(unsigned value, unsigned alpha, unsigned background) {
  constexpr std::uint64_t most = std::numeric_limits<T>::max();
  return static_cast<unsigned>(
      (std::uint64_t{value} * alpha + background * (most - alpha) + most / 2) / most);
}

// What an image is put over: red, green, blue, or null.
struct Ground {
  const unsigned char* background;
  bool premultiplied;  // the image's colours are multiplied by its alpha already
};

// OpenCV's order is blue, green, red, alpha.
template <class T>
void convert(const cv::Mat& from, int channels, const Ground& ground, unsigned char* to) {
  const int stored = from.channels();
  constexpr unsigned spread = std::numeric_limits<T>::max() / 255;
  const bool composed = ground.background != nullptr && (stored == 2 || stored == 4);
  for (int y = 0; y < from.rows; ++y) {
    const T* pixel = from.ptr<T>(y);
    for (int x = 0; x < from.cols; ++x, pixel += stored, to += channels) {
      const auto colour = [&](int c) {
        const unsigned value = pixel[stored < 3 ? 0 : c];
        if (!composed) return to_8_bits(static_cast<T>(value));
        const unsigned below = ground.background[2 - c] * spread;
        const unsigned alpha = pixel[stored - 1];
        if (!ground.premultiplied) return to_8_bits(static_cast<T>(over<T>(value, alpha, below)));
        const unsigned sum = value + over<T>(0, alpha, below);
        return to_8_bits(static_cast<T>(std::min<unsigned>(sum, std::numeric_limits<T>::max())));
      };
      const unsigned b = colour(0);
      const unsigned g = colour(1);
      const unsigned r = colour(2);
      if (channels == 1) {
        to[0] = luma601(r, g, b);
      } else {
        to[0] = static_cast<unsigned char>(r);
        to[1] = static_cast<unsigned char>(g);
        to[2] = static_cast<unsigned char>(b);
      }
    }
  }
}

// OpenCV writes to standard error by itself; the caller has the message and decides.
int keep_quiet(int, const char*, const char*, const char*, int, void*) { return 0; }

void silence_opencv() {
  static const bool silent = [] {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::redirectError(keep_quiet);
    return true;
  }();
  static_cast<void>(silent);
}

void decode(const unsigned char* bytes, std::size_t size, int channels,
            const unsigned char* background, headrace_opencv_allocate allocate, void* context) {
  silence_opencv();
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Refused{headrace_opencv_unsupported, "files beyond 2 GB are not decoded"};
  }
  // OpenCV only reads from it; cv::Mat has no way to say so.
  const cv::Mat file(1, static_cast<int>(size), CV_8UC1, const_cast<unsigned char*>(bytes));
  const cv::Mat image = cv::imdecode(file, cv::IMREAD_UNCHANGED);
  if (image.empty()) throw Refused{headrace_opencv_corrupt, "its data are damaged or end early"};
  const int depth = image.depth();
  if ((depth != CV_8U && depth != CV_16U) || image.channels() > 4) {
    throw Refused{headrace_opencv_unsupported, "its pixels are neither 8-bit nor 16-bit numbers"};
  }
  unsigned char* const to = allocate(context, image.rows, image.cols);
  if (to == nullptr) throw Refused{headrace_opencv_corrupt, "its data contradict its headers"};
  // Of TIFF files with 8 bits libtiff makes the pixels, multiplied by alpha.
  const bool is_tiff = size > 2 && bytes[0] == bytes[1] && (bytes[0] == 'I' || bytes[0] == 'M');
  const Ground ground{background, is_tiff && depth == CV_8U};
  depth == CV_8U ? convert<std::uint8_t>(image, channels, ground, to)
                 : convert<std::uint16_t>(image, channels, ground, to);
}

}  // namespace
}  // namespace headrace

HEADRACE_PLUGIN_EXPORT int headrace_opencv_codecs_get_version() {
  return headrace_opencv_codecs_version;
}

HEADRACE_PLUGIN_EXPORT int headrace_opencv_codecs_decode(
    const unsigned char* bytes, std::size_t size, int channels, const unsigned char* background,
    headrace_opencv_allocate allocate, void* context, char* message, std::size_t message_size) {
  try {
    headrace::decode(bytes, size, channels, background, allocate, context);
    return headrace_opencv_decoded;
  } catch (const headrace::Refused& refused) {
    std::snprintf(message, message_size, "%s", refused.reason);
    return refused.result;
  } catch (const std::bad_alloc&) {
    return headrace_opencv_no_memory;
  } catch (const cv::Exception& error) {
    std::snprintf(message, message_size, "%s", error.err.c_str());
    return error.code == cv::Error::StsNoMem ? headrace_opencv_no_memory : headrace_opencv_corrupt;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return headrace_opencv_corrupt;
  }
}
