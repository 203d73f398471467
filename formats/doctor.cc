#include "headrace/formats/doctor.h"

#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include "headrace/formats/examiner.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/manifest.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t chunk = 512;
constexpr std::int64_t grain = 16;

// Rows of records 0, 1, 2, ... behind a line that says of what.
class Notes {
 public:
  Notes(const Dataset& dataset, const DoctorOptions& options)
      : path_(options.notes), first_line_(line_of(dataset, options)) {}

  // What an earlier call has noted; what is not whole is cut off.
  void take_over(DoctorReport& report);
  void add(const Dataset& dataset, const DoctorReport& report, std::int64_t first,
           std::int64_t count);

 private:
  static std::string line_of(const Dataset& dataset, const DoctorOptions& options) {
    Fingerprint hash;
    hash.add(dataset.fingerprint()).add(dataset.size()).add(options.least_side);
    hash.add(options.most_ratio).add(options.most_pixels);
    return "headrace doctor's notes 1\t" + to_hex(hash.value());
  }

  fs::path path_;
  std::string first_line_;
  std::ofstream file_;
};

void Notes::take_over(DoctorReport& report) {
  if (path_.empty()) return;
  std::uintmax_t end = 0;
  {
    std::ifstream before(path_, std::ios::binary);
    std::string line;
    if (std::getline(before, line) && !before.eof() && line == first_line_) {
      end = line.size() + 1;
      while (report.known < static_cast<std::int64_t>(report.facts.size()) &&
             std::getline(before, line) && !before.eof()) {
        RecordFacts facts;
        std::string message;
        if (!parse_manifest_row(line, report.known, facts, message)) break;
        report.facts[static_cast<std::size_t>(report.known)] = facts;
        if (!message.empty()) report.messages[report.known] = message;
        ++report.known;
        end += line.size() + 1;
      }
    }
  }
  std::error_code none;
  if (end > 0) {
    fs::resize_file(path_, end, none);
    file_.open(path_, std::ios::binary | std::ios::app);
  } else {
    file_.open(path_, std::ios::binary | std::ios::trunc);
    file_ << first_line_ << '\n' << std::flush;
  }
  if (!file_) throw Error(ErrorCode::io, "cannot write " + path_.string());
}

void Notes::add(const Dataset& dataset, const DoctorReport& report, std::int64_t first,
                std::int64_t count) {
  if (path_.empty()) return;
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto message = report.messages.find(i);
    file_ << manifest_row(i, report.facts[static_cast<std::size_t>(i)], dataset.key(i),
                          message == report.messages.end() ? std::string_view()
                                                           : std::string_view(message->second))
          << '\n';
  }
  if (!file_.flush()) throw Error(ErrorCode::io, "cannot write " + path_.string());
}

void count_classes(const Dataset& dataset, DoctorReport& report) {
  const auto& fields = dataset.info().fields;
  const bool labelled = std::any_of(fields.begin(), fields.end(), [](const DatasetField& field) {
    return field.kind == FieldKind::class_label;
  });
  if (!labelled) return;
  report.classes.resize(dataset.info().classes.size());
  for (const RecordFacts& facts : report.facts) {
    constexpr std::int32_t most_classes = 1'000'000;
    if (facts.label < 0 || facts.label >= most_classes) continue;
    const auto label = static_cast<std::size_t>(facts.label);
    if (label >= report.classes.size()) {
      if (!dataset.info().classes.empty()) continue;
      report.classes.resize(label + 1);
    }
    ++report.classes[label];
  }
}

}  // namespace

std::int64_t DoctorReport::count(Finding finding) const {
  return std::count_if(facts.begin(), facts.end(),
                       [finding](const RecordFacts& record) { return record.has(finding); });
}

std::vector<std::int64_t> DoctorReport::with(std::uint32_t findings) const {
  std::vector<std::int64_t> records;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if ((facts[i].findings & findings) != 0) records.push_back(static_cast<std::int64_t>(i));
  }
  return records;
}

DoctorReport examine_dataset(const Dataset& dataset, const DoctorOptions& options) {
  DoctorReport report;
  report.facts.resize(static_cast<std::size_t>(dataset.size()));
  Notes notes(dataset, options);
  notes.take_over(report);
  const SizeLimits limits{options.least_side, options.most_ratio, options.most_pixels};
  const auto decoder = make_image_decoder();
  tbb::enumerable_thread_specific<std::unique_ptr<Examiner>> examiners(
      [&] { return std::make_unique<Examiner>(dataset, *decoder, limits); });
  tbb::task_arena arena(options.threads > 0 ? options.threads : tbb::task_arena::automatic);
  const auto throw_if_stopped = [&] {
    if (options.stop == nullptr || !*options.stop) return;
    throw Error(ErrorCode::cancelled, dataset.info().name + " was not looked through to its end");
  };
  std::vector<std::string> messages(static_cast<std::size_t>(chunk));
  for (std::int64_t first = report.known; first < dataset.size(); first += chunk) {
    throw_if_stopped();
    const std::int64_t count = std::min(chunk, dataset.size() - first);
    HandOver hand_over;
    const auto task = hand_over.task([&](std::int64_t piece) {
      Examiner& examiner = *examiners.local();
      const std::int64_t end = std::min((piece + 1) * grain, count);
      for (std::int64_t i = piece * grain; i < end; ++i) {
        throw_if_stopped();
        Examiner::Result result = examiner.examine(first + i);
        report.facts[static_cast<std::size_t>(first + i)] = result.facts;
        messages[static_cast<std::size_t>(i)] = std::move(result.message);
      }
    });
    arena.execute([&] { tbb::parallel_for(std::int64_t{0}, (count + grain - 1) / grain, task); });
    hand_over.take_back();
    for (std::int64_t i = 0; i < count; ++i) {
      std::string& message = messages[static_cast<std::size_t>(i)];
      if (!message.empty()) report.messages[first + i] = std::move(message);
      message.clear();
    }
    notes.add(dataset, report, first, count);
    if (options.progress) options.progress(first + count);
  }
  report.duplicates = find_duplicates(report.facts);
  count_classes(dataset, report);
  return report;
}

}  // namespace headrace
