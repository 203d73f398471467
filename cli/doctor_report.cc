#include "headrace/cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "headrace/cli/byte_size.h"
#include "headrace/cli/progress.h"

namespace headrace::cli {
namespace {

constexpr std::size_t most_listed = 1000;
constexpr std::size_t shown_each = 3;
constexpr std::size_t bins = 24;
constexpr std::size_t most_bars = 60;
constexpr double unbalanced = 10;

std::string key_of(const DoctorResult& result, std::int64_t record) {
  return result.dataset->key(record);
}

std::string message_of(const DoctorResult& result, std::int64_t record) {
  const auto found = result.report.messages.find(record);
  return found == result.report.messages.end() ? std::string() : found->second;
}

// Values of the records whose size is known, in order.
template <class Value>
std::vector<double> values_of(const DoctorResult& result, Value value) {
  std::vector<double> values;
  for (const RecordFacts& facts : result.report.facts) {
    if (facts.height > 0 && facts.width > 0) values.push_back(value(facts));
  }
  std::sort(values.begin(), values.end());
  return values;
}

double height_of(const RecordFacts& facts) { return facts.height; }
double width_of(const RecordFacts& facts) { return facts.width; }
double ratio_of(const RecordFacts& facts) {
  return static_cast<double>(facts.width) / facts.height;
}
double bytes_of(const RecordFacts& facts) { return static_cast<double>(facts.bytes); }

// Of ranges whose ends are `write`n, equally long on a scale of logarithms if their ends are far
// apart.
template <class Write>
Histogram histogram(std::string title, const std::vector<double>& values, Write write) {
  Histogram result{std::move(title), {}, {}};
  if (values.empty()) return result;
  const double least = values.front();
  const double most = values.back();
  const bool logarithmic = least > 0 && most > 8 * least;
  // Few whole numbers have a bar each.
  const bool each =
      least == most || (write(1.5) == write(2) && most - least < static_cast<double>(bins));
  const std::size_t count = each ? static_cast<std::size_t>(most - least) + 1 : bins;
  const auto edge = [&](std::size_t i) {
    if (each) return least + static_cast<double>(i);
    const double part = static_cast<double>(i) / static_cast<double>(count);
    return logarithmic ? least * std::pow(most / least, part) : least + (most - least) * part;
  };
  auto from = values.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const auto to =
        i + 1 == count ? values.end() : std::lower_bound(from, values.end(), edge(i + 1));
    result.ranges.push_back(each ? write(edge(i)) : write(edge(i)) + " to " + write(edge(i + 1)));
    result.counts.push_back(to - from);
    from = to;
  }
  return result;
}

// By what `name` gives; "" does not count.
template <class Name>
Histogram counted(std::string title, const DoctorResult& result, Name name) {
  std::map<std::string, std::int64_t> counts;
  for (const RecordFacts& facts : result.report.facts) {
    const std::string value = name(facts);
    if (!value.empty()) ++counts[value];
  }
  Histogram histogram{std::move(title), {}, {}};
  for (const auto& [range, count] : counts) {
    histogram.ranges.push_back(range);
    histogram.counts.push_back(count);
  }
  return histogram;
}

std::string class_name(const DoctorResult& result, std::size_t label) {
  const std::vector<std::string>& names = result.dataset->info().classes;
  return label < names.size() ? names[label] : std::to_string(label);
}

// The largest first, if there are more than can be drawn.
Histogram class_histogram(const DoctorResult& result) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < result.report.classes.size(); ++i) order.push_back(i);
  const auto& counts = result.report.classes;
  Histogram histogram{"Images of each class", {}, {}};
  if (order.size() > most_bars) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
    histogram.title =
        fmt::format("Images of the {} largest of {} classes", most_bars, order.size());
    order.resize(most_bars);
  }
  for (const std::size_t label : order) {
    histogram.ranges.push_back(class_name(result, label));
    histogram.counts.push_back(counts[label]);
  }
  return histogram;
}

std::string whole(double value) { return fmt::format("{:.0f}", value); }
std::string ratio_text(double value) { return fmt::format("{:.2f}", value); }

std::string spread(const char* what, const std::vector<double>& values, auto write) {
  if (values.empty()) return {};
  return fmt::format("  {:<14} {} to {}, median {}\n", what, write(values.front()),
                     write(values.back()), write(values[values.size() / 2]));
}

Json spread_json(const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  double sum = 0;
  for (const double value : values) sum += value;
  return {{"least", values.front()},
          {"median", values[values.size() / 2]},
          {"mean", sum / static_cast<double>(values.size())},
          {"most", values.back()}};
}

Json groups_json(const std::vector<RecordGroup>& groups) {
  Json json = Json::array();
  for (const RecordGroup& group : groups) {
    if (json.size() == most_listed) break;
    json.push_back(group);
  }
  return json;
}

std::string counts_text(const Histogram& histogram) {
  std::string text;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    text += fmt::format("{}{} {}", i > 0 ? ", " : "", histogram.ranges[i],
                        with_commas(histogram.counts[i]));
  }
  return text;
}

Histogram kinds(const DoctorResult& result) {
  return counted("Kinds of images", result, [](const RecordFacts& facts) {
    if (facts.kind == 0) return std::string(facts.height > 0 ? "pixels" : "");
    return std::string(image_kind_name(facts.kind));
  });
}

Histogram channels(const DoctorResult& result) {
  return counted("Channels, as stored", result, [](const RecordFacts& facts) {
    return facts.height > 0 ? fmt::format("{}", facts.channels) : std::string();
  });
}

}  // namespace

std::vector<Histogram> histograms(const DoctorResult& result) {
  std::vector<Histogram> all = {
      histogram("Height", values_of(result, height_of), whole),
      histogram("Width", values_of(result, width_of), whole),
      histogram("Width / height", values_of(result, ratio_of), ratio_text),
      histogram("Bytes", values_of(result, bytes_of), byte_size_text),
      kinds(result),
      channels(result),
  };
  if (!result.report.classes.empty()) all.push_back(class_histogram(result));
  return all;
}

std::vector<std::string> label_troubles(const DoctorResult& result) {
  const std::vector<std::int64_t>& counts = result.report.classes;
  std::vector<std::string> lines;
  if (counts.empty()) return lines;
  const auto none = std::count(counts.begin(), counts.end(), 0);
  if (none > 0) {
    const auto first = std::find(counts.begin(), counts.end(), 0) - counts.begin();
    lines.push_back(fmt::format("{} of {} classes have no images: {}{}", none, counts.size(),
                                class_name(result, static_cast<std::size_t>(first)),
                                none > 1 ? ", ..." : ""));
  }
  std::size_t least = counts.size();
  std::size_t most = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > counts[most]) most = i;
    if (counts[i] > 0 && (least == counts.size() || counts[i] < counts[least])) least = i;
  }
  if (least == counts.size()) return lines;
  const double ratio = static_cast<double>(counts[most]) / static_cast<double>(counts[least]);
  if (ratio > unbalanced) {
    lines.push_back(fmt::format("unbalanced: {} has {} images, {} has {}, {:.0f} times as many",
                                class_name(result, least), with_commas(counts[least]),
                                class_name(result, most), with_commas(counts[most]), ratio));
  }
  return lines;
}

std::string doctor_text(const DoctorResult& result) {
  const DoctorReport& report = result.report;
  const auto images = static_cast<std::int64_t>(report.facts.size());
  std::string text = fmt::format("{}: {} images in {}", result.data, with_commas(images),
                                 duration(result.seconds));
  if (report.known > 0) text += fmt::format(", {} looked at before", with_commas(report.known));
  text += '\n';
  bool any = false;
  for (const FindingName& known : finding_names()) {
    const auto records = report.with(bit(known.finding));
    if (records.empty()) continue;
    any = true;
    text += fmt::format("{}: {}{}\n", known.text,
                        with_commas(static_cast<std::int64_t>(records.size())),
                        (unusable & bit(known.finding)) != 0 ? " (unusable)" : "");
    for (std::size_t i = 0; i < std::min(records.size(), shown_each); ++i) {
      const std::string message = message_of(result, records[i]);
      text += fmt::format("    {}{}{}\n", key_of(result, records[i]), message.empty() ? "" : ": ",
                          message);
    }
    if (records.size() > shown_each) text += "    ...\n";
  }
  for (const std::string& line : label_troubles(result)) text += line + '\n';
  if (!any) text += "nothing is odd about any of them\n";
  text += spread("height", values_of(result, height_of), whole);
  text += spread("width", values_of(result, width_of), whole);
  text += spread("width / height", values_of(result, ratio_of), ratio_text);
  text += spread("size", values_of(result, bytes_of), byte_size_text);
  text += fmt::format("  {:<14} {}\n", "kinds", counts_text(kinds(result)));
  text += fmt::format("  {:<14} {}\n", "channels", counts_text(channels(result)));
  if (!report.classes.empty())
    text += fmt::format("  {:<14} {}\n", "classes", report.classes.size());
  if (!result.manifest.empty()) {
    text += fmt::format("{}: --data {} loads {} images and leaves out {}\n", result.manifest,
                        result.manifest, with_commas(images - result.left_out),
                        with_commas(result.left_out));
  }
  return text;
}

Json doctor_json(const DoctorResult& result) {
  const DoctorReport& report = result.report;
  Json findings = Json::object();
  std::uint32_t all = 0;
  for (const FindingName& known : finding_names()) {
    findings[std::string(known.name)] = report.count(known.finding);
    all |= bit(known.finding);
  }
  Json listed = Json::array();
  for (const std::int64_t record : report.with(all)) {
    if (listed.size() == most_listed) break;
    listed.push_back(
        {{"record", record},
         {"key", key_of(result, record)},
         {"findings", to_text(report.facts[static_cast<std::size_t>(record)].findings)},
         {"message", message_of(result, record)}});
  }
  Json classes = Json::array();
  for (std::size_t i = 0; i < report.classes.size(); ++i) {
    classes.push_back({{"name", class_name(result, i)}, {"images", report.classes[i]}});
  }
  Json distributions = Json::array();
  for (const Histogram& histogram : histograms(result)) {
    distributions.push_back(
        {{"title", histogram.title}, {"ranges", histogram.ranges}, {"counts", histogram.counts}});
  }
  return {{"data", result.data},
          {"images", report.facts.size()},
          {"known", report.known},
          {"seconds", result.seconds},
          {"images_per_second",
           result.seconds > 0 ? static_cast<double>(report.facts.size()) / result.seconds : 0.0},
          {"findings", findings},
          {"unusable", report.with(unusable).size()},
          {"listed", listed},
          {"duplicates", groups_json(report.duplicates.same)},
          {"near_duplicates", groups_json(report.duplicates.alike)},
          {"labels", label_troubles(result)},
          {"classes", classes},
          {"height", spread_json(values_of(result, height_of))},
          {"width", spread_json(values_of(result, width_of))},
          {"ratio", spread_json(values_of(result, ratio_of))},
          {"bytes", spread_json(values_of(result, bytes_of))},
          {"histograms", distributions},
          {"manifest", result.manifest},
          {"left_out", result.left_out}};
}

}  // namespace headrace::cli
