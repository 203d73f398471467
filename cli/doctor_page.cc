#include "headrace/cli/doctor_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "headrace/cli/html.h"
#include "headrace/cli/image_resize.h"
#include "headrace/cli/progress.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/orientation.h"

namespace headrace::cli {
namespace {

constexpr std::size_t shown_each = 24;
constexpr std::size_t groups_shown = 12;
constexpr std::size_t shown_in_group = 6;
constexpr int thumbnail_quality = 80;

constexpr const char* style =
    "body{font:14px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1180px;padding:24px;"
    "background:#fafaf8;color:#28282c}h1{font-size:24px;margin-bottom:4px}"
    "h2{font-size:17px;margin:28px 0 8px}table{border-collapse:collapse}"
    "td{padding:2px 18px 2px 0;vertical-align:top}td.n{text-align:right}.bad{color:#b3261e}"
    ".charts{display:flex;flex-wrap:wrap;gap:18px}.chart{width:370px}"
    ".chart b{display:block;margin-bottom:2px}svg{width:100%;background:#fff;border:1px solid #ddd}"
    "figure{display:inline-block;width:132px;margin:0 10px 14px 0;vertical-align:top}"
    "figure img,figure .none{width:128px;height:128px;object-fit:contain;background:#eee;"
    "border:1px solid #ddd}figure .none{display:flex;align-items:center;justify-content:center;"
    "color:#888;font-size:12px}figcaption{font-size:11px;overflow-wrap:anywhere}"
    ".group{border-left:3px solid #bbb;padding-left:10px;margin-bottom:10px}";

// Makes small JPEG files of records.
class Thumbnails {
 public:
  explicit Thumbnails(const Dataset& dataset)
      : dataset_(dataset),
        decoder_(make_image_decoder()),
        session_(decoder_->session()),
        resize_(ImageResize("long:128").resizer()) {
    record_.values.resize(dataset.info().fields.size());
    const auto& fields = dataset.info().fields;
    while (image_ + 1 < fields.size() && fields[image_].kind != FieldKind::encoded_image &&
           fields[image_].kind != FieldKind::pixels) {
      ++image_;
    }
  }

  // As the address of an <img>; nothing if there is nothing to see.
  std::optional<std::string> make(std::int64_t record) {
    try {
      const ImageView pixels = pixels_of(record);
      if (pixels.type != ElementType::u8 ||
          (pixels.shape.channels != 1 && pixels.shape.channels != 3)) {
        return std::nullopt;
      }
      resize_(pixels, small_);
      encode_jpeg(small_.view(), thumbnail_quality, encoded_);
    } catch (const Error&) {
      return std::nullopt;
    }
    return "data:image/jpeg;base64," + base64(encoded_);
  }

 private:
  ImageView pixels_of(std::int64_t record) {
    record_.clear_hints();
    dataset_.read(record, record_);
    const RecordValue& value = record_.values[image_];
    if (dataset_.info().fields[image_].kind == FieldKind::pixels) return value.pixels;
    const ImageInfo info = session_->open(value.bytes);
    const int channels = info.shape.channels <= 2 ? 1 : 3;
    session_->decode({{0, 0, info.shape.height, info.shape.width}, channels}, decoded_);
    if (info.orientation == 1) return decoded_.view();
    make_upright(decoded_.view(), info.orientation, upright_);
    return upright_.view();
  }

  const Dataset& dataset_;
  std::shared_ptr<const Decoder> decoder_;
  std::unique_ptr<DecodeSession> session_;
  ImageResizer resize_;
  Record record_;
  std::size_t image_ = 0;
  Image decoded_;
  Image upright_;
  Image small_;
  std::vector<std::byte> encoded_;
};

// Bars beside one another for ranges of numbers, below one another for names.
std::string chart(const Histogram& histogram, bool names) {
  std::int64_t most = 1;
  for (const std::int64_t count : histogram.counts) most = std::max(most, count);
  const std::size_t bars = histogram.counts.size();
  const auto share = [&](std::size_t i) {
    return static_cast<double>(histogram.counts[i]) / static_cast<double>(most);
  };
  std::string svg;
  const auto title = [&](std::size_t i) {
    return fmt::format("<title>{}: {}</title>", escaped(histogram.ranges[i]),
                       with_commas(histogram.counts[i]));
  };
  if (names) {
    constexpr int row = 16;
    svg = fmt::format("<svg viewBox=\"0 0 370 {}\">", static_cast<int>(bars) * row + 8);
    for (std::size_t i = 0; i < bars; ++i) {
      const int top = static_cast<int>(i) * row + 4;
      svg += fmt::format(
          "<g>{0}<rect x=\"120\" y=\"{1}\" width=\"{2:.1f}\" height=\"12\" fill=\"#3d6fb4\"/>"
          "<text x=\"115\" y=\"{3}\" font-size=\"11\" text-anchor=\"end\">{4}</text>"
          "<text x=\"{5:.1f}\" y=\"{3}\" font-size=\"11\">{6}</text></g>",
          title(i), top, std::max(0.5, 190 * share(i)), top + 10,
          escaped(histogram.ranges[i].substr(0, 18)), 124 + 190 * share(i),
          with_commas(histogram.counts[i]));
    }
  } else {
    constexpr int height = 110;
    svg = "<svg viewBox=\"0 0 370 140\">";
    const double width = 350.0 / static_cast<double>(std::max<std::size_t>(bars, 1));
    for (std::size_t i = 0; i < bars; ++i) {
      const double tall = histogram.counts[i] == 0 ? 0 : std::max(1.0, height * share(i));
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "fill=\"#3d6fb4\">{}</rect>",
          10 + width * static_cast<double>(i), 8 + height - tall, 0.9 * width, tall, title(i));
    }
    if (bars > 0) {
      svg += fmt::format(
          "<text x=\"10\" y=\"134\" font-size=\"11\">{}</text>"
          "<text x=\"360\" y=\"134\" font-size=\"11\" text-anchor=\"end\">{}</text>",
          escaped(histogram.ranges.front()),
          bars > 1 ? escaped(histogram.ranges.back()) : std::string());
    }
  }
  return fmt::format("<div class=\"chart\"><b>{}</b>{}</svg></div>\n", escaped(histogram.title),
                     svg);
}

class Page {
 public:
  explicit Page(const DoctorResult& result) : result_(result), thumbnails_(*result.dataset) {}

  std::string make() {
    const auto images = static_cast<std::int64_t>(result_.report.facts.size());
    text_ = fmt::format(
        "<!DOCTYPE html><html lang=\"en\"><head><meta "
        "charset=\"utf-8\"><title>{0}</title><style>{1}"
        "</style></head><body><h1>{0}</h1><p>{2} images, looked through by headrace doctor</p>\n",
        escaped(result_.data), style, with_commas(images));
    add_summary();
    text_ += "<h2>What there is</h2><div class=\"charts\">\n";
    for (const Histogram& histogram : histograms(result_)) {
      const bool ranges =
          histogram.counts.size() > 1 && histogram.ranges[0].find(" to ") != std::string::npos;
      text_ += chart(histogram, !ranges);
    }
    text_ += "</div>\n";
    for (const FindingName& known : finding_names()) {
      if (known.finding != Finding::duplicate && known.finding != Finding::near_duplicate)
        add_finding(known);
    }
    add_groups("The same image, several times", result_.report.duplicates.same);
    add_groups("Images that look alike", result_.report.duplicates.alike);
    return text_ + "</body></html>\n";
  }

 private:
  void add_summary() {
    text_ += "<table>";
    bool any = false;
    for (const FindingName& known : finding_names()) {
      const std::int64_t count = result_.report.count(known.finding);
      if (count == 0) continue;
      any = true;
      text_ += fmt::format("<tr{}><td class=\"n\">{}</td><td>{}</td></tr>",
                           (unusable & bit(known.finding)) != 0 ? " class=\"bad\"" : "",
                           with_commas(count), escaped(known.text));
    }
    text_ += "</table>\n";
    if (!any) text_ += "<p>Nothing is odd about any of them.</p>\n";
    for (const std::string& line : label_troubles(result_)) {
      text_ += fmt::format("<p>{}</p>\n", escaped(line));
    }
  }

  void add_record(std::int64_t record) {
    const auto message = result_.report.messages.find(record);
    const RecordFacts& facts = result_.report.facts[static_cast<std::size_t>(record)];
    std::string words = escaped(result_.dataset->key(record));
    if (facts.height > 0) words += fmt::format("<br>{} x {}", facts.width, facts.height);
    const auto& classes = result_.dataset->info().classes;
    if (facts.label >= 0 && static_cast<std::size_t>(facts.label) < classes.size()) {
      words += "<br>" + escaped(classes[static_cast<std::size_t>(facts.label)]);
    }
    if (message != result_.report.messages.end()) words += "<br>" + escaped(message->second);
    const auto picture = thumbnails_.make(record);
    text_ += picture ? fmt::format("<figure><img alt=\"\" src=\"{}\">", *picture)
                     : "<figure><div class=\"none\">nothing to see</div>";
    text_ += fmt::format("<figcaption>{}</figcaption></figure>", words);
  }

  void add_finding(const FindingName& known) {
    const auto records = result_.report.with(bit(known.finding));
    if (records.empty()) return;
    text_ += fmt::format("<h2>{}: {}</h2>\n", escaped(known.text),
                         with_commas(static_cast<std::int64_t>(records.size())));
    for (std::size_t i = 0; i < std::min(records.size(), shown_each); ++i) add_record(records[i]);
    if (records.size() > shown_each) text_ += "<p>...</p>\n";
  }

  void add_groups(const char* title, const std::vector<RecordGroup>& groups) {
    if (groups.empty()) return;
    text_ += fmt::format("<h2>{}, groups: {}</h2>\n", title,
                         with_commas(static_cast<std::int64_t>(groups.size())));
    for (std::size_t i = 0; i < std::min(groups.size(), groups_shown); ++i) {
      text_ += "<div class=\"group\">";
      const std::size_t count = std::min(groups[i].size(), shown_in_group);
      for (std::size_t k = 0; k < count; ++k) add_record(groups[i][k]);
      if (groups[i].size() > count) text_ += fmt::format("and {} more", groups[i].size() - count);
      text_ += "</div>\n";
    }
    if (groups.size() > groups_shown) text_ += "<p>...</p>\n";
  }

  const DoctorResult& result_;
  Thumbnails thumbnails_;
  std::string text_;
};

}  // namespace

std::string doctor_page(const DoctorResult& result) { return Page(result).make(); }

}  // namespace headrace::cli
