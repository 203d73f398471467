#include "headrace/cli/range_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "headrace/cli/html.h"
#include "headrace/cli/png_writer.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace::cli {
namespace {

// What a plan was drawn to be, as numbers: those of the map, without units, then of what paints.
std::vector<double> numbers_of(const SamplePlan& plan) {
  const AffineMap& map = plan.source_from_output;
  std::vector<double> numbers = {map.xt / plan.source.width,
                                 map.yt / plan.source.height,
                                 map.xx * plan.output.width / plan.source.width,
                                 map.yy * plan.output.height / plan.source.height,
                                 map.xy * plan.output.height / plan.source.width,
                                 map.yx * plan.output.width / plan.source.height};
  for (const PlannedOperation& operation : plan.operations()) {
    numbers.push_back(operation.kind);
    for (const float value : operation.values) numbers.push_back(static_cast<double>(value));
  }
  return numbers;
}

// The number that varies most, in deviations from what it is on the whole: of maps as it is, of
// values beside their own size.
std::size_t most_varied(const std::vector<std::vector<double>>& draws) {
  constexpr std::size_t of_maps = 6;
  std::size_t best = 0;
  double most = -1;
  for (std::size_t i = 0; i < draws.front().size(); ++i) {
    double sum = 0;
    double squares = 0;
    double size = 0;
    for (const std::vector<double>& draw : draws) {
      sum += draw[i];
      squares += draw[i] * draw[i];
      size = std::max(size, std::abs(draw[i]));
    }
    const auto count = static_cast<double>(draws.size());
    double spread = std::sqrt(std::max(squares / count - sum / count * (sum / count), 0.0));
    if (i >= of_maps && size > 0) spread /= size;
    if (spread > most + 1e-9) {
      most = spread;
      best = i;
    }
  }
  return best;
}

constexpr const char* page_begin =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>"
    "body{{font:14px sans-serif;margin:2em;background:#fafaf8;color:#28282c}}"
    "section{{display:inline-block;vertical-align:top;width:300px;margin:0 16px 18px 0}}"
    "h2{{font-size:13px;overflow-wrap:anywhere}}figure{{display:none;margin:0}}"
    "figure.seen{{display:block}}img{{width:300px;image-rendering:pixelated}}"
    "figcaption{{font-size:12px;padding-top:4px;min-height:4em}}input{{width:420px}}"
    "</style></head><body><h1>{0}</h1>\n"
    "<p><input type=\"range\" id=\"at\" min=\"0\" max=\"{1}\" value=\"0\" aria-label=\"draw\"> "
    "<button id=\"play\">stop</button></p>\n";

constexpr const char* page_end =
    "<script>\n"
    "const at = document.getElementById('at'), play = document.getElementById('play');\n"
    "const rows = [...document.querySelectorAll('section')].map(s => "
    "s.querySelectorAll('figure'));\n"
    "let step = 1, timer = null;\n"
    "function show() { for (const row of rows) row.forEach((f, i) => "
    "f.classList.toggle('seen', i === Math.min(+at.value, row.length - 1))); }\n"
    "function next() {\n"
    "  if (+at.value + step > +at.max || +at.value + step < 0) step = -step;\n"
    "  at.value = +at.value + step; show();\n"
    "}\n"
    "function toggle() {\n"
    "  timer = timer ? clearInterval(timer) : setInterval(next, 120);\n"
    "  play.textContent = timer ? 'stop' : 'play';\n"
    "}\n"
    "at.addEventListener('input', () => { if (timer) toggle(); show(); });\n"
    "play.addEventListener('click', toggle);\n"
    "show(); toggle();\n"
    "</script></body></html>\n";

}  // namespace

Recipe only_with(const Recipe& recipe, const std::string& operation) {
  const auto has = [](const Recipe& in, const std::string& name) {
    return std::any_of(in.operations().begin(), in.operations().end(),
                       [&](const Recipe::Setting& setting) { return setting.first == name; });
  };
  const Recipe fixed = recipe.for_inference();
  if (!has(recipe, operation) || has(fixed, operation)) {
    std::vector<std::string> random;
    for (const auto& [name, value] : recipe.operations()) {
      if (!has(fixed, name)) random.push_back(name);
    }
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--animate {}: the recipe draws no such operation; {}", operation,
                            random.empty() ? "give one with its range, such as --rotation 30"
                                           : fmt::format("it has {}", fmt::join(random, ", "))));
  }
  Recipe alone = recipe;
  for (const auto& [name, value] : recipe.operations()) {
    if (name != operation && !has(fixed, name)) {
      alone.set(name, recipe_parameter(name).default_value);
    }
  }
  return alone;
}

std::vector<std::uint64_t> epochs_over_range(const ImageSequence& sequence, std::int64_t position,
                                             std::size_t steps) {
  constexpr std::uint64_t draw_count = 256;
  std::vector<std::vector<double>> draws;
  std::size_t longest = 0;
  for (std::uint64_t epoch = 0; epoch < draw_count; ++epoch) {
    draws.push_back(numbers_of(sequence.plan(epoch, position)));
    longest = std::max(longest, draws.back().size());
  }
  for (std::vector<double>& draw : draws) draw.resize(longest);
  const std::size_t key = most_varied(draws);
  std::vector<std::uint64_t> epochs(draw_count);
  for (std::uint64_t epoch = 0; epoch < draw_count; ++epoch) epochs[epoch] = epoch;
  std::stable_sort(epochs.begin(), epochs.end(),
                   [&](std::uint64_t a, std::uint64_t b) { return draws[a][key] < draws[b][key]; });
  std::vector<std::uint64_t> chosen;
  for (std::size_t i = 0; i < steps; ++i) {
    chosen.push_back(epochs[steps == 1 ? 0 : i * (draw_count - 1) / (steps - 1)]);
  }
  return chosen;
}

std::string range_html(const std::string& title, const std::vector<SheetRow>& rows) {
  std::size_t most = 1;
  for (const SheetRow& row : rows) most = std::max(most, row.pictures.size());
  std::string page = fmt::format(page_begin, escaped(title), most - 1);
  for (const SheetRow& row : rows) {
    page += fmt::format("<section><h2>{}</h2>\n", escaped(row.title));
    for (const SheetPicture& picture : row.pictures) {
      page += fmt::format(
          "<figure><img alt=\"{1}\" "
          "src=\"data:image/png;base64,{0}\"><figcaption>{1}</figcaption></figure>\n",
          base64(encode_png(picture.pixels.view())), escaped(picture.words));
    }
    page += "</section>\n";
  }
  return page + page_end;
}

}  // namespace headrace::cli
