#include "headrace/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto redraw_interval = std::chrono::milliseconds(100);

std::string bar(double share, int width) {
  const int inside = width - 2;
  const int done = std::clamp(static_cast<int>(std::lround(share * inside)), 0, inside);
  std::string text(static_cast<std::size_t>(done), '=');
  if (done < inside) {
    text += '>';
    text.append(static_cast<std::size_t>(inside - done - 1), ' ');
  }
  return "[" + text + "]";
}

double share_of(std::int64_t done, std::int64_t total) {
  return total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
}

}  // namespace

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t end = digits.size(); end > first + 3; end -= 3) digits.insert(end - 3, ",");
  return digits;
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string progress_bar(const TrainingProgress& progress, int width) {
  const std::string epoch = fmt::format("epoch {}/{}", progress.epoch + 1, progress.epochs);
  const std::string parts[] = {
      fmt::format("{}/{}", progress.step, progress.steps),
      fmt::format("{} images/s", with_commas(std::llround(progress.images_per_second))),
      duration(progress.seconds_left) + " left",
      fmt::format("loss {:.4f}", progress.loss),
      fmt::format("accuracy {:.3f}", progress.accuracy),
      progress.loader,
  };
  constexpr int smallest_bar = 8;
  constexpr int largest_bar = 40;
  std::string details;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    const auto length = epoch.size() + details.size() + 2 + part.size() + 1 + smallest_bar;
    if (length > static_cast<std::size_t>(width)) break;
    details += "  " + part;
  }
  const int room = width - static_cast<int>(epoch.size() + details.size()) - 1;
  const int bar_width = std::clamp(room, smallest_bar, largest_bar);
  return epoch + " " + bar(share_of(progress.step, progress.steps), bar_width) +
         details.substr(std::min<std::size_t>(details.size(), 1));
}

std::string epoch_line(const EpochRecord& record, std::uint64_t epochs) {
  std::string text = fmt::format("epoch {}/{}  loss {:.4f}  accuracy {:.4f}", record.epoch + 1,
                                 epochs, record.loss, record.accuracy);
  if (record.val_loss) text += fmt::format("  val_loss {:.4f}", *record.val_loss);
  if (record.val_accuracy) text += fmt::format("  val_accuracy {:.4f}", *record.val_accuracy);
  text += fmt::format("  {}  {} images/s", duration(record.seconds),
                      with_commas(std::llround(record.images_per_second)));
  return text;
}

ProgressReport::ProgressReport(Terminal& terminal, std::uint64_t epochs, const Loader& loader)
    : terminal_(terminal), epochs_(epochs), loader_(loader) {}

void ProgressReport::on_step_end(Trainer&, const StepRecord& record) {
  const auto now = Clock::now();
  if (!terminal_.interactive() || now < next_) return;
  next_ = now + redraw_interval;
  TrainingProgress progress;
  progress.epoch = record.epoch;
  progress.epochs = epochs_;
  progress.step = record.step + 1;
  progress.steps = record.steps;
  const double done = share_of(progress.step, progress.steps);
  const double epochs_left = static_cast<double>(epochs_ - record.epoch) - done;
  if (record.epoch_seconds > 0) {
    progress.images_per_second = record.epoch_sums.samples / record.epoch_seconds;
    progress.seconds_left = record.epoch_seconds / done * epochs_left;
  }
  progress.loss = record.epoch_sums.mean_loss();
  progress.accuracy = record.epoch_sums.accuracy();
  const LoaderOptions& options = loader_.options();
  progress.loader = view_.look(loader_.stats(), options.prefetch + options.leases);
  terminal_.status(progress_bar(progress, terminal_.width() - 1));
}

void ProgressReport::on_epoch_end(Trainer&, const EpochRecord& record) {
  terminal_.status("");
  terminal_.line(epoch_line(record, epochs_));
}

void ProgressReport::on_train_end(Trainer&) { terminal_.status(""); }

CountReport::CountReport(Terminal& terminal, std::string what, std::int64_t total)
    : terminal_(terminal), what_(std::move(what)), total_(total) {}

CountReport::~CountReport() { terminal_.status(""); }

void CountReport::update(std::int64_t done, const std::function<std::string()>& detail) {
  const auto now = Clock::now();
  if (!terminal_.interactive() || now < next_) return;
  next_ = now + redraw_interval;
  const double share = share_of(done, total_);
  std::string text = fmt::format("{} {} {:.0f} %", what_, bar(share, 24), 100 * share);
  if (detail) text += "  " + detail();
  terminal_.status(text);
}

}  // namespace headrace::cli
