#include "headrace/cli/training_run.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "headrace/augment/mix.h"
#include "headrace/cli/backend_choice.h"
#include "headrace/cli/loader_view.h"
#include "headrace/cli/model_choice.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/plot.h"
#include "headrace/cli/program.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/selection.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/callbacks.h"
#include "headrace/train/checkpoint_series.h"
#include "headrace/train/placement.h"

namespace headrace::cli {
namespace {

// Draws the curves of a long training now and then while it is under way.
class Draw final : public Callback {
 public:
  explicit Draw(std::function<void()> draw) : draw_(std::move(draw)) {}
  void on_epoch_end(Trainer&, const EpochRecord&) override {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(30)) return;
    draw_();
    last_ = std::chrono::steady_clock::now();
  }

 private:
  std::function<void()> draw_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Json facts(const ImageData& data) {
  return {{"name", data.dataset->info().name},
          {"images", data.size()},
          {"fingerprint", fmt::format("{:016x}", data.dataset->fingerprint())}};
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// As after Ctrl-C.
constexpr int exit_interrupted = 130;

// A training goes on with the schedule that it had.
void take_schedule(std::optional<Schedule>& wish, const std::string& saved) {
  if (saved.empty()) return;
  if (wish && to_string(*wish) != saved) note("going on with the schedule of the run, " + saved);
  wish.reset();
}

std::string epochs_text(std::uint64_t epochs) {
  return fmt::format("{} epoch{}", epochs, epochs == 1 ? "" : "s");
}

}  // namespace

TrainingRun::TrainingRun(const TrainOptions& options, const CLI::App& command, Interrupt& interrupt,
                         ProcessGroup* group)
    : options_(options),
      gpu_(gpu_of_process(parse_gpus(options.gpus))),
      interrupt_(interrupt),
      group_(group),
      folder_(options.out),
      loading_(options.loading, writes() ? folder_.errors().string() : ""),
      record_(command, "train"),
      training_(open_images(options.data, options.root, {}, loading_.decoding())),
      recipe_({1, 1, 1}) {
  options_.fitting.check(length(), options_.validates());
  if (writes() && !options_.resume && !options_.overwrite) folder_.require_free();
  require_labels(training_);
  if (!options_.validation.empty() && options_.validation_split > 0) {
    throw Error(ErrorCode::invalid_argument,
                "--val and --validation-split both say what to validate with: give one of them");
  }
  if (!options_.validation.empty()) {
    validation_ =
        open_images(options_.validation, options_.root, training_.classes(), loading_.decoding());
    require_labels(*validation_);
  } else if (options_.validation_split > 0) {
    ValidationSplit split = split_validation(training_.dataset, options_.validation_split);
    training_.dataset = std::move(split.training);
    validation_ = ImageData{std::move(split.validation), training_.decoder};
  }
  const ImageShape natural = natural_shape(training_);
  ImageShape shape = input_size(options_.model, natural);
  if (!options_.image_size.empty()) shape = parse_image_size(options_.image_size, shape);
  recipe_ = options_.recipe.recipe(shape, !options_.image_size.empty() || shape != natural);
  graph_ = placed(choose_model(options_.model, shape, static_cast<int>(training_.classes().size())),
                  options_.placement, options_.micro_batches);
  if (options_.resume) load_checkpoint_to_resume();
}

TrainingRun::~TrainingRun() = default;

void TrainingRun::load_checkpoint_to_resume() {
  auto found = load_newest_checkpoint(folder_.model());
  if (!found) {
    note(fmt::format("{} holds nothing to go on with: starting from the beginning",
                     folder_.path().string()));
    return;
  }
  for (const std::string& broken : found->broken) warn(broken + "; going on from an older one");
  resumed_ = std::move(found->checkpoint);
  try {
    check_resumable();
  } catch (const Error& error) {
    throw error.with_context(folder_.model().string());
  }
  if (recipe_.needs_mean()) recipe_.set_fitted(get_recipe(*resumed_));
}

void TrainingRun::check_resumable() const {
  const auto refuse = [](const std::string& why) {
    throw Error(ErrorCode::invalid_argument, "cannot go on with this run: " + why);
  };
  if (!resumed_->training) refuse("it has no training state");
  if (without_placement(resumed_->graph).to_json() != without_placement(graph_).to_json())
    refuse(fmt::format("its model is not {} for images of {} and {} classes", options_.model,
                       to_text(recipe_.output()), training_.classes().size()));
  if (resumed_->classes != training_.classes()) refuse("its classes are not those of the data");
  if (get_recipe(*resumed_).to_json() != recipe_.to_json())
    refuse("it was made with other augmentation options: give the same, or none");
  if (name(resumed_->training->optimizer) != options_.fitting.optimizer)
    refuse(fmt::format("its optimizer is {}, not {}", name(resumed_->training->optimizer),
                       options_.fitting.optimizer));
}

void TrainingRun::make_loaders() {
  const bool mixes = options_.mixup > 0 || options_.cutmix > 0;
  // What is mixed has to be whole: nothing is left for a GPU to finish.
  loading_.use_gpu(options_.gpu_feed, mixes ? nullptr : options_.gpu_feed.open(gpu_));
  const auto images = loading_.shuffled(training_, recipe_, options_.seed);
  std::shared_ptr<const Sequence> samples = images;
  if (mixes) samples = mixed(images);
  const auto to_validate =
      validation_ ? loading_.in_order(*validation_, recipe_.for_inference()) : nullptr;
  LoaderOptions training = loading_.loader_options(options_.batch_size);
  training.drop_last = options_.last_batch == "drop";
  training.epochs = options_.epochs;
  if (group_ != nullptr) training.shard = {.rank = group_->process(), .world_size = group_->size()};
  training_loader_ = loading_.make_loader(samples, training);
  if (gpu_ && !mixes) note("feed: " + training_loader_->device_report());
  if (to_validate == nullptr) return;
  LoaderOptions validation = training;
  validation.drop_last = false;
  validation.epochs = 1;
  validation_loader_ = loading_.make_loader(to_validate, validation);
}

std::shared_ptr<const Sequence> TrainingRun::mixed(std::shared_ptr<const Sequence> images) const {
  MixOptions mix;
  mix.mixup = options_.mixup;
  mix.cutmix = options_.cutmix;
  mix.classes = static_cast<std::int64_t>(training_.classes().size());
  mix.seed = options_.seed;
  mix.layout = recipe_.layout();
  return make_mixed(std::move(images), mix);
}

TrainingLength TrainingRun::length() const {
  const std::int64_t images = training_.size(), batch = options_.batch_size;
  const std::int64_t steps =
      options_.last_batch == "drop" ? images / batch : (images + batch - 1) / batch;
  return {.epochs = options_.epochs,
          .steps_per_epoch = static_cast<std::uint64_t>(std::max<std::int64_t>(steps, 1)),
          .batch_size = batch};
}

void TrainingRun::make_trainer() {
  TrainerOptions options;
  options.batch_size = options_.batch_size;
  options.replicas = options_.replicas;
  options.accumulate = options_.accumulate;
  options.micro_batches = options_.micro_batches;
  options.threads = options_.threads;
  options.loss = loss_of(graph_);
  options_.fitting.set(options, length());
  if (resumed_) take_schedule(options.schedule, resumed_->training->schedule);
  options.seed = options_.seed;
  options.rank_timeout = options_.processes.timeout();
  options.precision = precision_of(options_.precision);
  backend_ = choose_backend(gpu_);
  trainer_ = std::make_unique<Trainer>(
      graph_, options, *backend_,
      communicators_of(group_, *backend_, gpu_.has_value(), options_.processes));
  if (!resumed_) return take_weights();
  if (resumed_->training->stream.fingerprint != training_loader_->state().fingerprint)
    throw Error(ErrorCode::invalid_argument,
                folder_.model().string() +
                    ": cannot go on with this run: its images or their order were others; give the "
                    "same --data, --seed, --shuffle, --mixup, --cutmix, --background, --fast-scale "
                    "and --fast-chroma, or another --out");
  trainer_->set_parameters(resumed_->parameters);
  trainer_->restore(*resumed_->training);
  const bool scheduled = options.schedule || !resumed_->training->schedule.empty();
  if (options_.fitting.learning_rate > 0 && !scheduled)
    trainer_->set_learning_rate(learning_rate(options.optimizer));
}

// What it begins with, of another model's file.
void TrainingRun::take_weights() {
  const std::string file = options_.weights.choice(options_.model);
  if (file.empty()) return;
  const JoinedWeights joined =
      load_weights(file, graph_, options_.seed, options_.weights.skip_mismatch);
  trainer_->set_parameters(joined.parameters);
  note(fmt::format("beginning with the weights of {} layer{} of {}", joined.layers,
                   joined.layers == 1 ? "" : "s", file));
  for (const std::string& left_out : joined.left_out) note("left out: " + left_out);
}

void TrainingRun::fit() {
  Checkpoint model;
  model.classes = training_.classes();
  put_recipe(model, recipe_);
  put_background(model, options_.loading.background);
  CheckpointSaver saver(options_.fitting.saving(folder_.model()), model);
  const auto asked_for = options_.fitting.make_callbacks(folder_.model(), model);
  CsvLogger history(folder_.history());
  ProgressReport progress(Terminal::standard_error(), options_.epochs, *training_loader_);
  Draw draw([this] { draw_curves(); });

  const Interrupt::Action stop(interrupt_, [this] {
    note("stopping, and saving what is needed to go on; Ctrl-C again ends at once");
    training_loader_->cancel();
    if (validation_loader_) validation_loader_->cancel();
  });
  FitOptions options;
  options.epochs = options_.epochs;
  options.validation = validation_loader_.get();
  if (writes()) options.callbacks = {&saver, &history, &draw};
  for (const auto& callback : asked_for) options.callbacks.push_back(callback.get());
  if (!options_.quiet) options.callbacks.push_back(&progress);
  options.stop = &interrupt_.requested();
  try {
    loading_.guarded([&] { trainer_->fit(*training_loader_, options); });
    interrupted_ = trainer_->interrupted();
  } catch (const Error& error) {
    if (!interrupt_.explains(error)) throw;
    if (writes()) saver.on_train_end(*trainer_);  // the wait for a batch was cut short
    interrupted_ = true;
  }
}

void TrainingRun::draw_curves() {
  if (!writes()) return;
  const History& history = trainer_->history();
  PlotText text;
  text.title = fmt::format("{} on {}", options_.model, options_.data);
  text.subtitle =
      fmt::format("{}, {} {}, batch size {}", epochs_text(history.size()),
                  options_.fitting.optimizer, trainer_->learning_rate(), options_.batch_size);
  if (!history.empty() && history.back().val_accuracy)
    text.subtitle += fmt::format("  ·  validation accuracy {:.4f}, loss {:.4f}",
                                 *history.back().val_accuracy, *history.back().val_loss);
  try {
    plot_history(history, text, folder_.curves());
  } catch (const Error& error) {
    warn(fmt::format("{} was not drawn: {}", folder_.curves().string(), error.what()));
  }
}

void TrainingRun::write_record(std::string_view status, Json details) {
  if (!writes()) return;
  record_.set_outcome(status, std::move(details));
  record_.write(folder_.record());
}

Json TrainingRun::result() const {
  const History& history = trainer_->history();
  double seconds = 0;
  double images = 0;
  for (const EpochRecord& epoch : history) {
    seconds += epoch.seconds;
    images += epoch.seconds * epoch.images_per_second;
  }
  Json result;
  result["epochs"] = history.size();
  result["steps"] = trainer_->total_steps();
  if (!history.empty()) {
    const EpochRecord& last = history.back();
    result["loss"] = last.loss;
    result["accuracy"] = last.accuracy;
    result["val_loss"] = number_or_null(last.val_loss);
    result["val_accuracy"] = number_or_null(last.val_accuracy);
  }
  result["images"] = std::llround(images);
  result["seconds"] = seconds;
  result["images_per_second"] = seconds > 0 ? images / seconds : 0;
  result["data_wait_seconds"] = trainer_->data_wait_seconds();
  result["verdict"] = training_verdict(training_loader_->stats(), gpu_.has_value());
  result["parameters"] = trainer_->graph().parameter_count();
  result["loader_bytes"] = training_loader_->memory_bytes();
  const std::vector<NamedReport> reports = loading_.error_reports();
  result["errors"] = bad_images(reports);
  if (bad_images(reports) > 0) result["error_report"] = to_json(reports);
  result["trainer_bytes"] = trainer_->memory_bytes();
  result["out"] = folder_.path().string();
  result["files"] = folder_.files();
  return result;
}

void TrainingRun::print_result() const {
  if (!writes()) return;
  const Json all = result();
  if (options_.json) {
    fmt::print("{}\n", all.dump());
    return;
  }
  const History& history = trainer_->history();
  if (!history.empty()) {
    const EpochRecord& last = history.back();
    fmt::print("after {}: loss {:.4f}, accuracy {:.4f}", epochs_text(history.size()), last.loss,
               last.accuracy);
    if (last.val_loss && last.val_accuracy)
      fmt::print("; validation loss {:.4f}, accuracy {:.4f}", *last.val_loss, *last.val_accuracy);
    fmt::print("\n");
  }
  const double seconds = all["seconds"];
  fmt::print(
      "trained on {} images in {}: {} images/s; {:.0f} % of that time spent waiting for data\n",
      with_commas(all["images"]), duration(seconds),
      with_commas(std::llround(all["images_per_second"].get<double>())),
      seconds > 0 ? 100 * std::min(1.0, trainer_->data_wait_seconds() / seconds) : 0);
  fmt::print("{}\n", all["verdict"].get<std::string>());
  fmt::print("written to {}: {}\n", folder_.path().string(), fmt::join(folder_.files(), ", "));
}

int TrainingRun::report_interruption() {
  draw_curves();
  write_record("interrupted", result());
  const StreamState state = trainer_->state().stream;
  note(
      fmt::format("stopped in epoch {} of {}, after {} of {} images; to go on: headrace train "
                  "--out {} --resume",
                  state.position.epoch + 1, options_.epochs, with_commas(state.position.sample),
                  with_commas(training_.size()), folder_.path().string()));
  // Another process was told to stop, where this one was not.
  return interrupt_.requested() ? interrupt_.exit_status() : exit_interrupted;
}

int TrainingRun::execute() {
  if (resumed_ && resumed_->training->stream.position.epoch >= options_.epochs) {
    note(fmt::format("{} is trained for all of its {}: --epochs gives it more",
                     folder_.path().string(), epochs_text(options_.epochs)));
    return exit_done;
  }
  if (writes()) folder_.prepare();
  loading_.fit_mean(recipe_, training_, options_.batch_size, interrupt_);
  make_loaders();
  make_trainer();
  options_.recipe.record(recipe_, record_.options());
  record_.set("data", facts(training_));
  if (validation_) record_.set("validation", facts(*validation_));
  record_.set("classes", training_.classes());
  record_.set("image_size", to_text(recipe_.output()));
  record_.set("backend", backend_->name());
  for (const char* file : {"trace", "error-report"}) record_.options().erase(file);
  if (!resumed_ && writes()) folder_.clear();
  write_record("running", Json::object());
  note(fmt::format(
      "training {} ({} parameters) on {} images of {} in {} classes, {}{} replica{}, {}",
      options_.model, with_commas(graph_.parameter_count()), with_commas(training_.size()),
      to_text(recipe_.output()), training_.classes().size(),
      group_ == nullptr ? "" : processes_text(*group_) + " with ", options_.replicas,
      options_.replicas == 1 ? "" : "s", backend_->name()));
  if (const std::string rates = options_.fitting.rates_text(length()); !rates.empty()) note(rates);
  if (loading_.budget() != nullptr) note("memory for loading: " + loading_.memory_text());
  try {
    fit();
  } catch (const Error& error) {
    write_record("failed", {{"error", error.what()}});
    throw;
  }
  loading_.finish();
  if (interrupted_) return report_interruption();
  draw_curves();
  write_record("finished", result());
  print_result();
  return exit_done;
}

}  // namespace headrace::cli
