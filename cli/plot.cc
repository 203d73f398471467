#include "headrace/cli/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "headrace/cli/child_process.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

// A gnuplot string in which nothing is special but '' for a quote.
std::string gnuplot_string(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += '\'';
    result += c == '\n' ? ' ' : c;
  }
  return result + "'";
}

std::string cell(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{:.6g}", *value) : "NaN";
}

std::string data_block(const History& history) {
  std::string text = "$history << END_OF_HISTORY\n";
  for (const EpochRecord& record : history) {
    text += fmt::format("{} {} {} {} {}\n", record.epoch + 1, cell(record.loss),
                        cell(record.accuracy), cell(record.val_loss), cell(record.val_accuracy));
  }
  return text + "END_OF_HISTORY\n";
}

// Whole epochs at a distance of 1, 2 or 5 times a power of ten, at most ten of them.
std::uint64_t tick_distance(std::uint64_t epochs) {
  for (std::uint64_t power = 1;; power *= 10) {
    for (const std::uint64_t factor : {1, 2, 5}) {
      if (epochs <= 10 * factor * power) return factor * power;
    }
  }
}

struct Panel {
  std::string_view name;
  int column;            // of training; validation stands two further
  std::string_view key;  // where the legend lies
};

std::string curve(int column, std::string_view name, std::string_view color, bool points) {
  return fmt::format("$history using 1:{} with {} title {} lc rgb '{}' lw 2.5 pt 7 ps 0.9", column,
                     points ? "linespoints" : "lines", gnuplot_string(name), color);
}

std::string panel_script(const Panel& panel, const History& history, const PlotText& text) {
  const bool validated = std::any_of(history.begin(), history.end(), [](const EpochRecord& record) {
    return record.val_loss.has_value() || record.val_accuracy.has_value();
  });
  const bool drawn = std::any_of(history.begin(), history.end(), [](const EpochRecord& record) {
    return std::isfinite(record.loss);
  });
  std::string script =
      fmt::format("set title {} font ',15'\nset key {}\n", gnuplot_string(panel.name), panel.key);
  if (!drawn) return script + "set yrange [0:1]\nplot NaN notitle\n";
  const bool points = history.size() <= 25;
  script += "plot " + curve(panel.column, "training", "#3465a4", points);
  if (validated) script += ", " + curve(panel.column + 2, text.validation, "#e07b00", points);
  return script + "\n";
}

}  // namespace

std::string plot_script(const History& history, const PlotText& text) {
  const std::uint64_t first = history.empty() ? 1 : history.front().epoch + 1;
  const std::uint64_t last = history.empty() ? 1 : history.back().epoch + 1;
  const double margin = first == last ? 0.5 : 0.02 * static_cast<double>(last - first);
  std::string script = data_block(history);
  script += fmt::format(
      "set terminal pngcairo size 1400,560 noenhanced font 'DejaVu Sans,12' background '#ffffff'\n"
      "set multiplot layout 1,2 margins 0.065,0.985,0.13,0.775 spacing 0.075,0\n"
      "set label 1 {} at screen 0.5,0.955 center font ',18'\n"
      "set label 2 {} at screen 0.5,0.890 center font ',12' tc rgb '#555753'\n"
      "set border 3 lw 1.2 lc rgb '#555753'\n"
      "set tics nomirror out scale 0.6\n"
      "set grid x y lt 1 lw 1 lc rgb '#e4e4e0'\n"
      "set xlabel 'epoch' offset 0,0.3\n"
      "set xtics {} textcolor rgb '#2e3436'\n"
      "set ytics textcolor rgb '#2e3436'\n"
      "set xrange [{:.4g}:{:.4g}]\n"
      "set offsets 0,0,graph 0.06,graph 0.06\n",
      gnuplot_string(text.title), gnuplot_string(text.subtitle), tick_distance(last - first + 1),
      static_cast<double>(first) - margin, static_cast<double>(last) + margin);
  const Panel loss{"loss", 2, "top right"};
  const Panel accuracy{"accuracy", 3, "bottom right"};
  script += panel_script(loss, history, text);
  script += "unset label 1\nunset label 2\n";
  script += panel_script(accuracy, history, text);
  return script + "unset multiplot\n";
}

void plot_history(const History& history, const PlotText& text, const std::filesystem::path& path) {
  const ChildResult drawn =
      run_child({"gnuplot", "-"}, plot_script(history, text), std::chrono::seconds(30));
  constexpr std::string_view signature = "\x89PNG";
  if (drawn.exit_status != 0 || drawn.output.rfind(signature, 0) != 0) {
    std::string reason = drawn.errors.substr(0, drawn.errors.find_last_not_of(" \n") + 1);
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    throw Error(ErrorCode::io, fmt::format("gnuplot drew no picture (exit status {}): {}",
                                           drawn.exit_status, reason));
  }
  write_file(path, drawn.output);
}

}  // namespace headrace::cli
