#pragma once

// OpenCV's header for everything, as far as FFCV uses it. Debian's own needs every module installed.
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
