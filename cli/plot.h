#pragma once

#include <filesystem>
#include <string>

#include "headrace/train/history.h"

namespace headrace::cli {

// The words above and in a plot of a training.
struct PlotText {
  std::string title;                      // "mnist_cnn on train.csv"
  std::string subtitle;                   // "5 epochs, adam"
  std::string validation = "validation";  // what the second curve is called
};

// Draws loss and accuracy by epoch, of training and of validation where there is one, side by
// side, as a PNG picture of 1400 x 560 pixels, by gnuplot. The file is replaced as a whole or not
// at all. Epochs without numbers are left out; a history without epochs draws empty axes.
// Throws Error{io} if gnuplot is not installed or fails.
void plot_history(const History& history, const PlotText& text, const std::filesystem::path& path);

// What gnuplot is told: it writes the picture to its standard output.
std::string plot_script(const History& history, const PlotText& text);

}  // namespace headrace::cli
