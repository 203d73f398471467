#include "headrace/cli/fitting_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "headrace/pipeline/error.h"
#include "headrace/train/tensorboard.h"

namespace headrace::cli {
namespace {

constexpr int most = 1'000'000'000;

template <class T>
CLI::Option* number(CLI::App& command, const char* group, const std::string& name, T& value,
                    double least, double largest, const std::string& help) {
  return command.add_option(name, value, help)
      ->type_name("NUMBER")
      ->check(CLI::Range(least, largest))
      ->group(group);
}

void add_optimizer(CLI::App& command, FittingOptions& options) {
  const char* group = "Optimizer";
  command.add_option("--optimizer", options.optimizer, "sgd, adam, adamw or rmsprop")
      ->type_name("NAME")
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--learning-rate", options.learning_rate,
                  "Without it, the optimizer's own: sgd 0.01, the others 0.001")
      ->type_name("NUMBER")
      ->check(CLI::PositiveNumber)
      ->group(group);
  command
      .add_option("--schedule", options.schedule,
                  "The learning rate as it changes: polynomial:power=1, cosine:warmup=5, "
                  "exponential:rate=0.9, piecewise:values=0.1/0.01,boundaries=30")
      ->type_name("LINE")
      ->group(group);
  number(
      command, group, "--scale-learning-rate", options.scale_learning_rate, 0, most,
      "The batch size that the learning rate is meant for: it is multiplied by --batch-size over "
      "that (linear scaling), 256 for a recipe's rates for batches of 256");
  auto* epochs = number(command, group, "--warm-up-epochs", options.warm_up_epochs, 0, most,
                        "In the first so many epochs the learning rate rises to what it is to be, "
                        "in a straight line from what it was before it was scaled, or from next to "
                        "nothing");
  number(command, group, "--warm-up-steps", options.warm_up_steps, 0, most, "The same, in steps")
      ->excludes(epochs);
  number(command, group, "--momentum", options.momentum, 0, 0.9999, "Of sgd and rmsprop")
      ->capture_default_str();
  command.add_flag("--nesterov", options.nesterov, "Nesterov's momentum, of sgd")->group(group);
  number(command, group, "--weight-decay", options.weight_decay, 0, 1,
         "Share of the weights that each step takes, times the learning rate; adamw has 0.004");
  command
      .add_option("--no-weight-decay", options.no_weight_decay,
                  "Parameters in whose name one of these words occurs do not decay: bias gamma")
      ->type_name("WORD")
      ->group(group);
  number(command, group, "--clipvalue", options.clipvalue, 0, most,
         "Gradients are cut off at this value");
  number(command, group, "--clipnorm", options.clipnorm, 0, most,
         "Each parameter's gradient is scaled down to this norm");
  number(command, group, "--global-clipnorm", options.global_clipnorm, 0, most,
         "All gradients together are scaled down to this norm");
  number(command, group, "--ema", options.ema, 0, 1,
         "Evaluate and save averages of the weights, of this momentum: 0.99");
  number(command, group, "--ema-overwrite", options.ema_overwrite, 0, most,
         "After every so many steps the weights become their averages");
}

void add_watching(CLI::App& command, FittingOptions& options) {
  const char* group = "Watching and saving";
  number(command, group, "--label-smoothing", options.label_smoothing, 0, 1,
         "Share of the labels that is spread over all classes");
  number(command, group, "--top-k", options.top_k, 0, most,
         "Count labels among the so many likeliest classes too");
  command
      .add_option("--monitor", options.monitor,
                  "What early stopping and the best model go by: loss, accuracy, val_loss, "
                  "val_accuracy, top_k_accuracy or val_top_k_accuracy")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  number(command, group, "--early-stopping", options.early_stopping, 0, most,
         "End after so many epochs that bring nothing");
  number(command, group, "--min-delta", options.min_delta, 0, most,
         "What is less is nothing, for early stopping");
  command
      .add_flag("--restore-best", options.restore_best,
                "With early stopping: end with the weights of the best epoch")
      ->group(group);
  number(command, group, "--save-every", options.save_every, 1, most, "Epochs between checkpoints")
      ->capture_default_str();
  number(command, group, "--save-every-steps", options.save_every_steps, 0, most,
         "Steps between checkpoints, besides");
  number(command, group, "--keep", options.keep, 1, most,
         "Checkpoints that stay: from 2 on, the last ones under names with their step")
      ->capture_default_str();
  command
      .add_flag("--save-best", options.save_best, "Keep the best epoch's model as best.safetensors")
      ->group(group);
  command.add_option("--tensorboard", options.tensorboard, "Curves for TensorBoard")
      ->type_name("DIR")
      ->group(group);
}

}  // namespace

void FittingOptions::add_to(CLI::App& command) {
  add_optimizer(command, *this);
  add_watching(command, *this);
}

void FittingOptions::check(const TrainingLength& length, bool has_validation) const {
  make_optimizer(length);
  make_schedule(length);
  monitor_of(monitor);
  if (!has_validation && monitor.starts_with("val_") && (early_stopping > 0 || save_best)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--monitor {} needs --val; without it, --monitor loss", monitor));
  }
}

double FittingOptions::unscaled_rate() const {
  return learning_rate > 0 ? learning_rate
                           : headrace::learning_rate(headrace::make_optimizer(optimizer));
}

double FittingOptions::scale(const TrainingLength& length) const {
  if (scale_learning_rate == 0) return 1;
  return static_cast<double>(length.batch_size) / static_cast<double>(scale_learning_rate);
}

Optimizer FittingOptions::make_optimizer(const TrainingLength& length) const {
  Optimizer made = headrace::make_optimizer(optimizer);
  const auto refuse = [&](const char* what) {
    throw Error(ErrorCode::invalid_argument, fmt::format("{}; {} has its own", what, optimizer));
  };
  set_learning_rate(made, unscaled_rate() * scale(length));
  if (weight_decay >= 0) set_weight_decay(made, weight_decay);
  auto* sgd = std::get_if<Sgd>(&made);
  auto* rmsprop = std::get_if<RmsProp>(&made);
  if (sgd != nullptr) sgd->momentum = momentum;
  if (rmsprop != nullptr) rmsprop->momentum = momentum;
  if (sgd == nullptr && rmsprop == nullptr && momentum != 0)
    refuse("--momentum is for sgd and rmsprop");
  if (nesterov && sgd == nullptr) refuse("--nesterov is for sgd");
  if (sgd != nullptr) sgd->nesterov = nesterov;
  UpdateOptions& update = update_options(made);
  update.exclude_from_weight_decay = no_weight_decay;
  update.clipvalue = clipvalue;
  update.clipnorm = clipnorm;
  update.global_clipnorm = global_clipnorm;
  update.use_ema = ema > 0;
  if (ema > 0) update.ema_momentum = ema;
  if (ema_overwrite > 0 && ema == 0) {
    throw Error(ErrorCode::invalid_argument, "--ema-overwrite needs averages: give --ema too");
  }
  update.ema_overwrite_frequency = ema_overwrite;
  headrace::check(made);
  return made;
}

// A rise from next to nothing is one of as many equal steps as there are units, and one more.
double FittingOptions::warm_up_from(const TrainingLength& length, double units) const {
  const double rate = unscaled_rate();
  return scale(length) > 1 ? rate : rate * scale(length) / (units + 1);
}

// Those of a schedule are counted as it counts.
void FittingOptions::add_warm_up(Schedule& made, const TrainingLength& length) const {
  const auto refuse = [](const char* what) { throw Error(ErrorCode::invalid_argument, what); };
  if (made.warmup > 0) refuse("it has a warm-up of its own: leave out warmup=, or the other one");
  const bool by_step = made.unit == ScheduleUnit::step;
  if (!by_step && warm_up_steps > 0) {
    refuse("--warm-up-steps is for rates that change by step: give --warm-up-epochs, or unit=step");
  }
  const std::uint64_t steps =
      warm_up_steps > 0 ? warm_up_steps : warm_up_epochs * length.steps_per_epoch;
  made.warmup = static_cast<double>(by_step ? steps : warm_up_epochs);
  made.warmup_from = warm_up_from(length, made.warmup);
}

std::optional<Schedule> FittingOptions::make_schedule(const TrainingLength& length) const {
  const bool warms_up = warm_up_epochs > 0 || warm_up_steps > 0;
  const double rate = headrace::learning_rate(make_optimizer(length));
  if (schedule.empty()) {
    if (!warms_up) return std::nullopt;
    Schedule made{.rate = ConstantRate{rate}};
    add_warm_up(made, length);
    return made;
  }
  try {
    const std::uint64_t left = length.epochs - std::min(length.epochs - 1, warm_up_epochs);
    Schedule made = parse_schedule(schedule, rate, left);
    const bool own_rates = to_string(made) == to_string(parse_schedule(schedule, 2 * rate, left));
    if (own_rates && scale_learning_rate > 0) {
      throw Error(ErrorCode::invalid_argument,
                  "it names its own rates, which --scale-learning-rate does not change: leave one "
                  "of the two out");
    }
    if (warms_up) add_warm_up(made, length);
    return made;
  } catch (const Error& error) {
    throw error.with_context("--schedule " + schedule);
  }
}

std::string FittingOptions::rates_text(const TrainingLength& length) const {
  std::string text;
  if (scale_learning_rate > 0) {
    text = fmt::format("learning rate {:.4g}: {:.4g} for batches of {}, times {:.4g} for {}",
                       unscaled_rate() * scale(length), unscaled_rate(), scale_learning_rate,
                       scale(length), length.batch_size);
  }
  const auto made = make_schedule(length);
  if (!made || (warm_up_epochs == 0 && warm_up_steps == 0)) return text;
  text += fmt::format("{}the first {} {}{} lead to it from {:.4g}",
                      text.empty() ? fmt::format("learning rate {:.4g}: ", unscaled_rate()) : "; ",
                      made->warmup, made->unit == ScheduleUnit::step ? "step" : "epoch",
                      made->warmup == 1 ? "" : "s", made->warmup_from);
  return text;
}

void FittingOptions::set(TrainerOptions& options, const TrainingLength& length) const {
  options.optimizer = make_optimizer(length);
  options.schedule = make_schedule(length);
  options.loss.label_smoothing = label_smoothing;
  options.metrics.top_k = top_k;
}

CheckpointSaverOptions FittingOptions::saving(const std::filesystem::path& model_file) const {
  CheckpointSaverOptions saving;
  saving.path = model_file;
  saving.every = save_every;
  saving.every_steps = save_every_steps;
  saving.keep = keep;
  return saving;
}

std::vector<std::unique_ptr<Callback>> FittingOptions::make_callbacks(
    const std::filesystem::path& model_file, const Checkpoint& model) const {
  std::vector<std::unique_ptr<Callback>> callbacks;
  const Monitor watched = monitor_of(monitor);
  if (early_stopping > 0) {
    EarlyStoppingOptions stopping;
    stopping.monitor = watched;
    stopping.patience = early_stopping;
    stopping.min_delta = min_delta;
    stopping.restore_best_weights = restore_best;
    callbacks.push_back(std::make_unique<EarlyStopping>(stopping));
  }
  if (save_best) {
    CheckpointSaverOptions best;
    best.path = model_file.parent_path() / "best.safetensors";
    best.best = watched;
    callbacks.push_back(std::make_unique<CheckpointSaver>(best, model));
  }
  if (!tensorboard.empty()) {
    callbacks.push_back(std::make_unique<TensorBoardLogger>(TensorBoardOptions{tensorboard, 1}));
  }
  return callbacks;
}

}  // namespace headrace::cli
