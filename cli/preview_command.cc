#include "headrace/cli/preview_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "headrace/augment/plan_text.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/contact_sheet.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/png_writer.h"
#include "headrace/cli/range_view.h"
#include "headrace/cli/recipe_options.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/target_drawing.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* preview_example =
    "  headrace preview --data photos --recipe imagenet --out preview.png\n"
    "  headrace preview --data train.csv --rotation 20 --zoom 0.8,1.2 --html preview.html\n"
    "  headrace preview --data photos --recipe photos.toml --animate rotation";
constexpr const char* plan_example =
    "  headrace plan --data photos --recipe imagenet --images 2 --epoch 3\n"
    "prints {\"plans\": [{\"key\": ..., \"plan\": {...}}, ...]}; training draws the same for that "
    "seed.";

struct Options {
  std::string data;
  std::string root;
  std::string image_size;
  RecipeOptions recipe;
  std::int64_t first = 0;
  std::int64_t images = 4;
  int draws = 5;
  std::uint64_t epoch = 0;
  std::uint64_t seed = 0;
  std::string out = "preview.png";
  std::string html;
  std::string animate;  // an operation
};

void add_common(CLI::App& command, Options& options) {
  add_data(command, options.data, "Images");
  add_root(command, options.root);
  add_image_size(command, options.image_size);
  options.recipe.add_to(command);
  const char* group = "Which";
  command.add_option("--first", options.first, "Number of the first image, in the data's order")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  command.add_option("--images", options.images, "How many images")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--epoch", options.epoch, "The first epoch to draw for")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.seed, "Of augmentation")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

// The images and the recipe that the options ask for.
Recipe recipe_of(const Options& options, const ImageShape& natural) {
  if (options.image_size.empty()) return options.recipe.recipe(natural, false);
  return options.recipe.recipe(parse_image_size(options.image_size, natural), true);
}

struct Subject {
  ImageData data;
  Recipe recipe;
  std::int64_t end;

  explicit Subject(const Options& options)
      : data(open_images(options.data, options.root)),
        recipe(recipe_of(options, natural_shape(data))),
        end(std::min(options.first + options.images, data.size())) {
    if (options.first >= data.size()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("--first {}: {} holds {} images, numbered from 0", options.first,
                              options.data, data.size()));
    }
  }

  std::shared_ptr<const ImageSequence> sequence(const Recipe& shown, std::uint64_t seed) const {
    ImageSequenceOptions options;
    options.seed = seed;
    options.shuffle = Shuffle::none;
    return make_sequence(data, shown, options);
  }

  std::string title(std::int64_t index) const {
    std::string text = data.dataset->key(index);
    const std::int64_t label = data.dataset->label(index);
    if (label >= 0 && static_cast<std::size_t>(label) < data.classes().size()) {
      text += fmt::format("  ({})", data.classes()[static_cast<std::size_t>(label)]);
    } else if (label >= 0) {
      text += fmt::format("  (class {})", label);
    }
    return text;
  }
};

// What becomes of an image, with what moves with it drawn on it.
void add_pictures(const ImageSequence& sequence, std::uint64_t epoch, std::int64_t index,
                  const std::string& words, SheetRow& row) {
  const Batch batch = make_batch(sequence, epoch, index, 1);
  std::string text = words;
  for (Image& picture : draw_row(batch, sequence.dataset().info(), 0)) {
    row.pictures.push_back({std::move(picture), text});
    text = "beside it: " + words;
  }
}

void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

// A page of the range of one operation.
int animate(const Options& options) {
  const Subject subject(options);
  std::string operation = options.animate;
  std::replace(operation.begin(), operation.end(), '-', '_');
  const Recipe alone = only_with(subject.recipe.without_normalisation(), operation);
  const auto sequence = subject.sequence(alone, options.seed);
  constexpr std::size_t steps = 25;
  std::vector<SheetRow> rows;
  for (std::int64_t index = options.first; index < subject.end; ++index) {
    SheetRow row;
    row.title = subject.title(index);
    for (const std::uint64_t epoch : epochs_over_range(*sequence, index, steps)) {
      add_pictures(*sequence, epoch, index, to_words(sequence->plan(epoch, index)), row);
    }
    rows.push_back(std::move(row));
  }
  const std::string title =
      fmt::format("{}: {} {}", options.data, operation, to_string(alone.get(operation)));
  const std::string page = range_html(title, rows);
  const std::string file = options.html.empty() ? operation + ".html" : options.html;
  write_bytes(file, std::as_bytes(std::span(page)));
  note("wrote " + file);
  return exit_done;
}

int preview(const Options& options) {
  if (!options.animate.empty()) return animate(options);
  const Subject subject(options);
  const Recipe shown = subject.recipe.without_normalisation();
  const auto plain = subject.sequence(shown.unaugmented(), options.seed);
  const auto augmented = subject.sequence(shown, options.seed);
  std::vector<SheetRow> rows;
  for (std::int64_t index = options.first; index < subject.end; ++index) {
    SheetRow row;
    row.title = subject.title(index);
    add_pictures(*plain, 0, index, "as it is, resized", row);
    for (int draw = 0; draw < options.draws; ++draw) {
      const std::uint64_t epoch = options.epoch + static_cast<std::uint64_t>(draw);
      add_pictures(*augmented, epoch, index, to_words(augmented->plan(epoch, index)), row);
    }
    rows.push_back(std::move(row));
  }
  const std::string title = fmt::format("{}: {} draws", options.data, options.draws);
  write_bytes(options.out, encode_png(draw_sheet(title, rows).view()));
  note("wrote " + options.out);
  if (!options.html.empty()) {
    const std::string page = sheet_html(title, rows);
    write_bytes(options.html, std::as_bytes(std::span(page)));
    note("wrote " + options.html);
  }
  return exit_done;
}

int print_plans(const Options& options) {
  const Subject subject(options);
  const auto sequence = subject.sequence(subject.recipe.without_normalisation(), options.seed);
  Json plans = Json::array();
  for (std::int64_t index = options.first; index < subject.end; ++index) {
    const SamplePlan plan = sequence->plan(options.epoch, index);
    plans.push_back({{"index", index},
                     {"key", subject.data.dataset->key(index)},
                     {"words", to_words(plan)},
                     {"plan", Json::parse(to_json(plan))}});
  }
  const Json result = {{"seed", options.seed},
                       {"epoch", options.epoch},
                       {"recipe", Json::parse(subject.recipe.to_json())},
                       {"plans", std::move(plans)}};
  fmt::print("{}\n", result.dump());
  return exit_done;
}

}  // namespace

Command make_preview_command(CLI::App& program) {
  Command command;
  command.name = "preview";
  command.app =
      add_command(program, command.name,
                  "Show what augmentation makes of some images, as a picture", preview_example);
  auto options = std::make_shared<Options>();
  add_common(*command.app, *options);
  command.app->add_option("--draws", options->draws, "How often each image is augmented")
      ->type_name("N")
      ->check(CLI::Range(1, 100))
      ->capture_default_str()
      ->group("Which");
  command.app->add_option("--out", options->out, "The picture, a PNG file")
      ->type_name("FILE")
      ->capture_default_str()
      ->group("Output");
  command.app->add_option("--html", options->html, "The same as a page that needs no other file")
      ->type_name("FILE")
      ->group("Output");
  command.app
      ->add_option("--animate", options->animate,
                   "Instead, one operation of the recipe over the range of its draws, as a page "
                   "with a slider: --html, or OPERATION.html")
      ->type_name("OPERATION")
      ->group("Output");
  command.run = [options] { return preview(*options); };
  return command;
}

Command make_plan_command(CLI::App& program) {
  Command command;
  command.name = "plan";
  command.app = add_command(program, command.name, "Print what is drawn for some images, as JSON",
                            plan_example);
  auto options = std::make_shared<Options>();
  add_common(*command.app, *options);
  command.run = [options] { return print_plans(*options); };
  return command;
}

}  // namespace headrace::cli
