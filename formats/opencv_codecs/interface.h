#pragma once

#include <stddef.h>

// The functions of the plugin headrace_opencv_codecs, in C, so that nothing of C++ or OpenCV
// crosses its border. Both sides are built from one source tree; the version is there to refuse a
// stale file. Private to formats.

#ifdef __cplusplus
extern "C" {
#endif

enum { headrace_opencv_codecs_version = 2 };

enum headrace_opencv_result {
  headrace_opencv_decoded = 0,
  headrace_opencv_corrupt = 1,
  headrace_opencv_unsupported = 2,
  headrace_opencv_no_memory = 3
};

// Gives memory for height x width pixels, rows without gaps; null to give up.
typedef unsigned char* (*headrace_opencv_allocate)(void* context, int height, int width);

// int headrace_opencv_codecs_get_version(void);
typedef int (*headrace_opencv_get_version_function)(void);

// int headrace_opencv_codecs_decode(...): decodes the image file of `size` bytes into 1 (luma) or
// 3 (RGB) channels of 8 bits. Where there is an alpha channel the image is put over `background`
// (red, green, blue); null: the channel is dropped. If that fails, `message` gets the reason, cut
// to `message_size` bytes with the final zero. Safe to call from many threads.
typedef int (*headrace_opencv_decode_function)(const unsigned char* bytes, size_t size,
                                               int channels, const unsigned char* background,
                                               headrace_opencv_allocate allocate, void* context,
                                               char* message, size_t message_size);

#ifdef __cplusplus
}
#endif
