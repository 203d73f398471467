#include "headrace/formats/examiner.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

#include "headrace/formats/image_header.h"
#include "headrace/formats/tiff_directory.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/failure_log.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

using Bytes = std::span<const std::byte>;

bool is_image_field(const DatasetField& field) {
  return field.kind == FieldKind::encoded_image || field.kind == FieldKind::pixels;
}

int pnm_bits(Bytes file) {
  std::string_view text(reinterpret_cast<const char*>(file.data()),
                        std::min<std::size_t>(file.size(), 512));
  constexpr std::string_view with_maximum = "2356";
  if (text.size() < 2 || with_maximum.find(text[1]) == std::string_view::npos) return 8;
  text.remove_prefix(2);
  int number = 0;
  for (int numbers = 0; numbers < 3 && !text.empty();) {
    if (text[0] == '#') {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (std::isdigit(static_cast<unsigned char>(text[0])) != 0) {
      for (number = 0; !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0;
           text.remove_prefix(1)) {
        number = std::min(number * 10 + (text[0] - '0'), 1 << 20);
      }
      ++numbers;
    } else {
      text.remove_prefix(1);
    }
  }
  return number > 255 ? 16 : 8;
}

// The number of places in each direction, and of samples in a place.
constexpr int places = 8;
constexpr int grid = places * (places + 1);
constexpr int featureless = 6;  // levels between the darkest place and the brightest

struct Samples {
  std::array<std::array<std::uint16_t, grid>, grid> light;  // up to 4 * 255
  std::array<std::uint32_t, 3> sums{};
};

template <int channels>
void take_samples(const ImageView& pixels, Samples& samples) {
  std::array<int, grid> columns{};
  for (int x = 0; x < grid; ++x) {
    columns[static_cast<std::size_t>(x)] =
        static_cast<int>((2 * x + 1) * std::int64_t{pixels.shape.width} / (2 * grid)) * channels;
  }
  std::uint32_t red = 0, green = 0, blue = 0;
  for (int y = 0; y < grid; ++y) {
    const auto* row = pixels.row<std::uint8_t>(
        static_cast<int>((2 * y + 1) * std::int64_t{pixels.shape.height} / (2 * grid)));
    auto& line = samples.light[static_cast<std::size_t>(y)];
    for (int x = 0; x < grid; ++x) {
      const std::uint8_t* at = row + columns[static_cast<std::size_t>(x)];
      const unsigned r = at[0], g = at[channels == 3 ? 1 : 0], b = at[channels == 3 ? 2 : 0];
      red += r;
      green += g;
      blue += b;
      line[static_cast<std::size_t>(x)] = static_cast<std::uint16_t>(r + 2 * g + b);
    }
  }
  samples.sums = {red, green, blue};
}

// The light of a place of so many rows and columns of samples.
std::uint32_t light_of(const Samples& samples, int top, int left, int rows, int columns) {
  std::uint32_t sum = 0;
  for (int y = top; y < top + rows; ++y) {
    for (int x = left; x < left + columns; ++x) {
      sum += samples.light[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
    }
  }
  return sum;
}

}  // namespace

// Places overlap by nothing: 9 x 8 of them (8 x 9 for `down`) share the grid of samples out.
void look_at(const ImageView& pixels, RecordFacts& facts) {
  Samples samples;
  if (pixels.shape.channels == 3) {
    take_samples<3>(pixels, samples);
  } else {
    take_samples<1>(pixels, samples);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    facts.mean[c] = static_cast<std::uint8_t>(samples.sums[c] / (grid * grid));
  }
  constexpr int few = grid / (places + 1);
  constexpr int many = grid / places;
  std::uint32_t darkest = ~0u;
  std::uint32_t brightest = 0;
  for (int i = 0; i < places; ++i) {
    std::uint32_t before_across = 0;
    std::uint32_t before_down = 0;
    for (int k = 0; k <= places; ++k) {
      const std::uint32_t across = light_of(samples, i * many, k * few, many, few);
      const std::uint32_t down = light_of(samples, k * few, i * many, few, many);
      if (k > 0) {
        facts.across = facts.across << 1 | (before_across < across ? 1 : 0);
        facts.down = facts.down << 1 | (before_down < down ? 1 : 0);
      }
      before_across = across;
      before_down = down;
      darkest = std::min(darkest, across);
      brightest = std::max(brightest, across);
    }
  }
  if (brightest - darkest < featureless * 4 * few * many) facts.across = facts.down = 0;
}

bool is_grey(const ImageView& pixels) {
  constexpr std::size_t block = 96;  // a multiple of 3, so that the mask stays in step
  static constexpr auto mask = [] {
    std::array<std::uint8_t, block> bytes{};
    for (std::size_t i = 0; i < block; ++i) bytes[i] = i % 3 == 2 ? 0 : 255;
    return bytes;
  }();
  const std::size_t bytes = static_cast<std::size_t>(pixels.shape.width) * 3;
  for (int y = 0; y < pixels.shape.height; ++y) {
    const auto* row = pixels.row<std::uint8_t>(y);
    for (std::size_t begin = 0; begin < bytes; begin += block) {
      const std::size_t count = std::min(block, bytes - begin) - 1;  // the last has no next
      std::uint8_t difference = 0;
      for (std::size_t i = 0; i < count; ++i) {
        difference |= static_cast<std::uint8_t>((row[begin + i] ^ row[begin + i + 1]) & mask[i]);
      }
      if (difference != 0) return false;
    }
  }
  return true;
}

int bits_of_sample(Bytes file) {
  const auto kind = recognise_image(file);
  if (kind == ImageKind::png && file.size() > 24) return std::to_integer<int>(file[24]);
  if (kind == ImageKind::pnm) return pnm_bits(file);
  if (kind != ImageKind::tiff) return 8;
  constexpr std::uint16_t bits_tag = 258;
  const auto directory = TiffDirectory::find(file);
  const auto bits = directory ? directory->value(bits_tag) : std::nullopt;
  return bits ? static_cast<int>(std::min<std::uint32_t>(*bits, 64)) : 8;
}

bool is_misnamed(std::string_view name, Bytes file) {
  struct Suffix {
    std::string_view text;
    ImageKind kind;
  };
  constexpr std::array<Suffix, 14> suffixes = {{{".jpg", ImageKind::jpeg},
                                                {".jpeg", ImageKind::jpeg},
                                                {".jpe", ImageKind::jpeg},
                                                {".jfif", ImageKind::jpeg},
                                                {".png", ImageKind::png},
                                                {".webp", ImageKind::webp},
                                                {".bmp", ImageKind::bmp},
                                                {".tif", ImageKind::tiff},
                                                {".tiff", ImageKind::tiff},
                                                {".pnm", ImageKind::pnm},
                                                {".ppm", ImageKind::pnm},
                                                {".pgm", ImageKind::pnm},
                                                {".pbm", ImageKind::pnm},
                                                {".gif", ImageKind::gif}}};
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string suffix(name.substr(dot));
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto said = std::find_if(suffixes.begin(), suffixes.end(),
                                 [&](const Suffix& known) { return known.text == suffix; });
  const auto is = recognise_image(file);
  return said != suffixes.end() && is && said->kind != *is;
}

Examiner::Examiner(const Dataset& dataset, const Decoder& decoder, const SizeLimits& limits)
    : dataset_(dataset), limits_(limits), session_(decoder.session()) {
  const auto& fields = dataset.info().fields;
  const auto found = std::find_if(fields.begin(), fields.end(), is_image_field);
  if (found == fields.end()) {
    throw Error(ErrorCode::invalid_argument, dataset.info().name + ": there are no images");
  }
  image_ = static_cast<std::size_t>(found - fields.begin());
  labelled_ = std::any_of(fields.begin(), fields.end(), [](const DatasetField& field) {
    return field.kind == FieldKind::class_label;
  });
  record_.values.resize(fields.size());
}

Examiner::Result Examiner::examine(std::int64_t index) {
  Result result;
  RecordFacts& facts = result.facts;
  facts.label = static_cast<std::int32_t>(dataset_.label(index));
  const auto classes = static_cast<std::int64_t>(dataset_.info().classes.size());
  if (labelled_ && (facts.label < 0 || (classes > 0 && facts.label >= classes))) {
    facts.add(Finding::unknown_label);
    result.message = "label " + std::to_string(facts.label) + " is none of its classes";
  }
  record_.clear_hints();
  try {
    dataset_.read(index, record_);
  } catch (const Error& error) {
    if (!is_of_the_data(error.code())) throw error.with_context(dataset_.key(index));
    const std::string_view message = error.what();
    facts.add(error.code() == ErrorCode::io    ? Finding::unreadable
              : message.ends_with(" is empty") ? Finding::empty  // FileReader's words
                                               : Finding::corrupt);
    result.message = message;
    return result;
  }
  const RecordValue& image = record_.values[image_];
  if (dataset_.info().fields[image_].kind == FieldKind::pixels) {
    examine_pixels(image.pixels, facts);
  } else {
    examine_file(index, image.bytes, result);
  }
  check_size(facts);
  return result;
}

void Examiner::examine_pixels(const ImageView& view, RecordFacts& facts) const {
  const ImageShape& shape = view.shape;
  Fingerprint hash;
  const std::size_t row =
      shape.elements() / static_cast<std::size_t>(shape.height) * size_of(view.type);
  hash.add(shape.height).add(shape.width);
  for (int y = 0; y < shape.height; ++y) hash.add(std::span(view.row<std::byte>(y), row));
  facts.hash = hash.value();
  facts.bytes = row * static_cast<std::size_t>(shape.height);
  facts.height = shape.height;
  facts.width = shape.width;
  facts.channels = static_cast<std::uint8_t>(std::min(shape.channels, 255));
  facts.bits = static_cast<std::uint8_t>(8 * size_of(view.type));
  if (view.type != ElementType::u8 || (shape.channels != 1 && shape.channels != 3)) return;
  look_at(view, facts);
  if (shape.channels == 3 && is_grey(view)) facts.add(Finding::grey_in_colour);
}

void Examiner::examine_file(std::int64_t index, Bytes file, Result& result) {
  RecordFacts& facts = result.facts;
  facts.bytes = file.size();
  facts.hash = Fingerprint().add(file).value();
  const auto kind = recognise_image(file);
  if (kind) facts.kind = static_cast<std::uint8_t>(static_cast<int>(*kind) + 1);
  facts.bits = static_cast<std::uint8_t>(bits_of_sample(file));
  if (facts.bits == 16) facts.add(Finding::sixteen_bit);
  if (is_misnamed(dataset_.key(index), file)) facts.add(Finding::misnamed);
  try {
    const ImageInfo info = session_->open(file);
    const ImageSize size = info.shape.size();
    facts.height = size.height;
    facts.width = size.width;
    facts.channels = static_cast<std::uint8_t>(info.shape.channels);
    facts.orientation = static_cast<std::uint8_t>(info.orientation);
    if (info.orientation != 1) facts.add(Finding::rotated);
    if (kind == ImageKind::jpeg && info.shape.channels == 4) facts.add(Finding::cmyk);
    const int channels = info.shape.channels <= 2 ? 1 : 3;
    session_->decode({{0, 0, size.height, size.width}, channels}, decoded_);
    look_at(decoded_.view(), facts);
    if (channels == 3 && is_grey(decoded_.view())) facts.add(Finding::grey_in_colour);
  } catch (const Error& error) {
    if (!is_of_the_data(error.code())) throw error.with_context(dataset_.key(index));
    const std::string_view message = error.what();
    facts.add(file.empty()                                       ? Finding::empty
              : !kind                                            ? Finding::no_image
              : error.code() == ErrorCode::unsupported           ? Finding::unsupported
              : message.find(" ends ") != std::string_view::npos ? Finding::truncated
                                                                 : Finding::corrupt);
    result.message = message;
  }
}

void Examiner::check_size(RecordFacts& facts) const {
  if (facts.height == 0) return;
  const auto [least, most] = std::minmax(facts.height, facts.width);
  if (least < limits_.least_side || most > limits_.most_ratio * least ||
      std::int64_t{least} * most > limits_.most_pixels) {
    facts.add(Finding::odd_size);
  }
}

}  // namespace headrace
