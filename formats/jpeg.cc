#include "headrace/formats/jpeg.h"

#include <jerror.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "headrace/formats/baseline/region_decoder.h"
#include "headrace/formats/cmyk.h"
#include "headrace/formats/decode_request.h"
#include "headrace/formats/exif.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/formats/seek_hint.h"
#include "headrace/formats/seek_index.h"
#include "headrace/pipeline/colour_planes.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {
namespace {

// Columns decoded on both sides of a region: fancy upsampling looks one chroma sample aside, and
// does so differently at the edge of what is decoded.
constexpr int crop_margin = 2;
constexpr int rows_a_call = 16;
// Each scan of a progressive file costs a pass over all coefficients: without a limit, a small
// file could keep a thread busy for hours.
constexpr int max_scans = 256;

// What the Huffman tables are where a file defines none (Motion JPEG does not): tables 0 and 1 are
// those of the standard, 2 and 3 are empty. Put in place before each image, so that no image is
// decoded with the tables of the one before.
struct InitialTables {
  std::array<JHUFF_TBL, NUM_HUFF_TBLS> dc{};
  std::array<JHUFF_TBL, NUM_HUFF_TBLS> ac{};

  InitialTables() {
    jpeg_compress_struct info;
    LibjpegErrors errors;
    info.err = &errors.manager;
    const bool done = guarded(errors, [&] {
      jpeg_create_compress(&info);
      info.input_components = 3;
      info.in_color_space = JCS_RGB;
      jpeg_set_defaults(&info);
      for (std::size_t i = 0; i < 2; ++i) {
        dc[i] = *info.dc_huff_tbl_ptrs[i];
        ac[i] = *info.ac_huff_tbl_ptrs[i];
      }
    });
    jpeg_destroy_compress(&info);
    if (!done) throw std::bad_alloc();
  }
};

std::string hex_byte(std::byte value) {
  constexpr char digits[] = "0123456789abcdef";
  const auto number = std::to_integer<unsigned>(value);
  return {'0', 'x', digits[number >> 4], digits[number & 15]};
}

class JpegSession final : public DecodeSession {
 public:
  JpegSession(const DecodeOptions& options, bool libjpeg_alone,
              std::shared_ptr<const InitialTables> tables);
  ~JpegSession() override { jpeg_destroy_decompress(&info_); }
  JpegSession(const JpegSession&) = delete;
  JpegSession& operator=(const JpegSession&) = delete;

  ImageInfo open(std::span<const std::byte> encoded) override {
    return open_with_hint(encoded, {});
  }
  ImageInfo open_with_hint(std::span<const std::byte> encoded,
                           std::span<const std::byte> hint) override;
  int least_eighths(double spare) const override;
  Region decode(const DecodeRequest& request, Image& into) override;
  const ColourPlanes* decode_planes(const Region& region) override;

 private:
  enum class State { closed, headers_read, decoded };

  static JpegSession& of(j_decompress_ptr info) {
    return *static_cast<JpegSession*>(info->client_data);
  }
  static boolean fill_input(j_decompress_ptr info);
  static void skip_input(j_decompress_ptr info, long bytes);
  static boolean read_app1(j_decompress_ptr info);
  static void check_progress(j_common_ptr info);

  void install_callbacks();
  void reset_tables();
  void read_headers();
  void check_headers() const;
  std::span<const std::byte> scan() const;
  baseline::SeekPoints seek_points() const;
  bool decode_baseline(const DecodeRequest& request, Image& into);
  void start(const DecodeRequest& request);
  void read_rows(const DecodeRequest& request, JSAMPLE* to);
  [[noreturn]] void fail();

  bool is_cmyk() const { return info_.num_components == 4; }

  DecodeOptions options_;
  std::shared_ptr<const InitialTables> tables_;  // sessions may outlive their decoder
  LibjpegErrors errors_;
  jpeg_decompress_struct info_;
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};

  State state_ = State::closed;
  std::span<const std::byte> encoded_;
  std::span<const std::byte> hint_;
  ImageInfo image_;
  ImageSize size_;  // at the resolution that was asked for
  bool input_ended_ = false;
  bool multiple_scans_ = false;
  bool seen_exif_ = false;
  std::unique_ptr<baseline::RegionDecoder> baseline_;  // null: libjpeg decodes all
  ColourPlanes planes_;
  int crop_left_ = 0;
  std::vector<JSAMPLE> scratch_;  // rows_a_call rows, where they cannot go straight to the image
};

JpegSession::JpegSession(const DecodeOptions& options, bool libjpeg_alone,
                         std::shared_ptr<const InitialTables> tables)
    : options_(options), tables_(std::move(tables)) {
  if (!libjpeg_alone) baseline_ = std::make_unique<baseline::RegionDecoder>();
  info_.err = &errors_.manager;
  const bool done = guarded(errors_, [this] {
    jpeg_create_decompress(&info_);
    install_callbacks();
    const auto common = reinterpret_cast<j_common_ptr>(&info_);
    for (int i = 0; i < NUM_HUFF_TBLS; ++i) {
      info_.dc_huff_tbl_ptrs[i] = jpeg_alloc_huff_table(common);
      info_.ac_huff_tbl_ptrs[i] = jpeg_alloc_huff_table(common);
    }
    for (auto& table : info_.quant_tbl_ptrs) table = jpeg_alloc_quant_table(common);
  });
  if (!done) {
    jpeg_destroy_decompress(&info_);
    throw std::bad_alloc();
  }
}

void JpegSession::install_callbacks() {
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = fill_input;
  source_.skip_input_data = skip_input;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
  progress_.progress_monitor = check_progress;
  info_.client_data = this;
  info_.src = &source_;
  info_.progress = &progress_;
  jpeg_set_marker_processor(&info_, JPEG_APP0 + 1, read_app1);
}

// The file has ended: libjpeg reads ahead, so it gets an end marker, and complains by itself if it
// still lacks data then.
boolean JpegSession::fill_input(j_decompress_ptr info) {
  static constexpr std::array<JOCTET, 2> end_marker = {0xFF, JPEG_EOI};
  of(info).input_ended_ = true;
  // A file of several scans that stops between two of them would decode without complaint, to a
  // blurred image.
  if (of(info).multiple_scans_) abandon(reinterpret_cast<j_common_ptr>(info), JERR_INPUT_EOF);
  info->src->next_input_byte = end_marker.data();
  info->src->bytes_in_buffer = end_marker.size();
  return TRUE;
}

void JpegSession::skip_input(j_decompress_ptr info, long bytes) {
  if (bytes <= 0) return;
  const auto count = static_cast<std::size_t>(bytes);
  if (count > info->src->bytes_in_buffer) {
    of(info).input_ended_ = true;
    abandon(reinterpret_cast<j_common_ptr>(info), JERR_INPUT_EOF);
  }
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= count;
}

// The whole file is in memory: the segment is looked at where it lies.
boolean JpegSession::read_app1(j_decompress_ptr info) {
  JpegSession& session = of(info);
  const jpeg_source_mgr& source = *info->src;
  const auto bytes = std::as_bytes(std::span(source.next_input_byte, source.bytes_in_buffer));
  const std::size_t length = bytes.size() < 2 ? 0
                                              : std::to_integer<std::size_t>(bytes[0]) << 8 |
                                                    std::to_integer<std::size_t>(bytes[1]);
  if (length < 2 || length > bytes.size()) {
    session.input_ended_ = length > bytes.size() || bytes.size() < 2;
    abandon(reinterpret_cast<j_common_ptr>(info), JERR_BAD_LENGTH);
  }
  if (!session.seen_exif_) {
    const auto segment = bytes.subspan(2, length - 2);
    session.image_.orientation = app1_orientation(segment);
    session.seen_exif_ = session.image_.orientation != 1;
  }
  skip_input(info, static_cast<long>(length));
  return TRUE;
}

void JpegSession::check_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > max_scans) {
    abandon(info, JERR_BAD_PROGRESSION);
  }
}

void JpegSession::reset_tables() {
  for (std::size_t i = 0; i < NUM_HUFF_TBLS; ++i) {
    *info_.dc_huff_tbl_ptrs[i] = tables_->dc[i];
    *info_.ac_huff_tbl_ptrs[i] = tables_->ac[i];
  }
  // 0 is not allowed in a file, so it marks a table that was not defined.
  for (const auto table : info_.quant_tbl_ptrs) table->quantval[0] = 0;
}

void JpegSession::read_headers() {
  jpeg_abort_decompress(&info_);
  reset_tables();
  source_.next_input_byte = reinterpret_cast<const JOCTET*>(encoded_.data());
  source_.bytes_in_buffer = encoded_.size();
  input_ended_ = false;
  multiple_scans_ = false;
  seen_exif_ = false;
  image_.orientation = 1;
  info_.output_scanline = 0;  // else the last image's, until decoding has begun
  errors_.strict = false;
  if (!guarded(errors_, [this] {
        jpeg_read_header(&info_, TRUE);
        multiple_scans_ = jpeg_has_multiple_scans(&info_);
      })) {
    fail();
  }
}

ImageInfo JpegSession::open_with_hint(std::span<const std::byte> encoded,
                                      std::span<const std::byte> hint) {
  state_ = State::closed;
  encoded_ = encoded;
  hint_ = hint;
  if (encoded.empty()) throw Error(ErrorCode::corrupt_data, "empty: 0 bytes");
  if (encoded.size() < 2 || encoded[0] != std::byte{0xFF} || encoded[1] != std::byte{0xD8}) {
    throw Error(ErrorCode::corrupt_data,
                "not a JPEG: starts with " + hex_byte(encoded[0]) +
                    (encoded.size() > 1 ? " " + hex_byte(encoded[1]) : std::string()));
  }
  read_headers();
  image_.shape = {static_cast<int>(info_.image_height), static_cast<int>(info_.image_width),
                  info_.num_components};
  check_headers();
  state_ = State::headers_read;
  return image_;
}

void JpegSession::check_headers() const {
  check_pixel_limit("JPEG", image_.shape, options_.max_pixels);
  if (info_.arith_code) {
    throw Error(ErrorCode::unsupported, "arithmetic-coded JPEG: convert it to Huffman coding");
  }
  if (info_.jpeg_color_space == JCS_UNKNOWN) {
    throw Error(ErrorCode::unsupported, "JPEG with " + std::to_string(info_.num_components) +
                                            " channels: only 1, 3 and 4 have a meaning");
  }
  // A block takes two bits (one in the first scan of a progressive file): headers that promise far
  // more than there is are found out before any memory is taken.
  std::uint64_t blocks = 0;
  for (int i = 0; i < info_.num_components; ++i) {
    const jpeg_component_info& component = info_.comp_info[i];
    blocks += std::uint64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  if (blocks / (info_.progressive_mode ? 8 : 4) > encoded_.size()) {
    throw Error(ErrorCode::corrupt_data, "JPEG ends early: " + std::to_string(encoded_.size()) +
                                             " bytes cannot hold " +
                                             std::to_string(image_.shape.height) + "x" +
                                             std::to_string(image_.shape.width) + " pixels");
  }
}

int JpegSession::least_eighths(double spare) const {
  if (!options_.fast_scale) return 8;
  // libjpeg-turbo has vector code for these alone: the others are no faster than all eight.
  for (const int eighths : {1, 2, 4}) {
    if (eighths * spare >= 8) return eighths;
  }
  return 8;
}

Region JpegSession::decode(const DecodeRequest& request, Image& into) {
  if (state_ == State::closed) {
    throw Error(ErrorCode::invalid_argument, "decode() without an image: open() one first");
  }
  check_request(request, image_.shape);
  if (state_ == State::decoded) read_headers();
  into.reshape({request.region.height, request.region.width, request.channels});
  if (decode_baseline(request, into)) return request.region;
  size_ = size_at_eighths(image_.shape.size(), request.eighths);
  const std::size_t row_bytes = static_cast<std::size_t>(size_.width) *
                                static_cast<std::size_t>(is_cmyk() ? 4 : request.channels);
  const bool direct = !is_cmyk() && request.region.width == size_.width;
  if (!direct && scratch_.size() < rows_a_call * row_bytes)
    scratch_.resize(rows_a_call * row_bytes);

  errors_.strict = true;
  JSAMPLE* const to = into.row<JSAMPLE>(0);
  if (!guarded(errors_, [&, this] {
        start(request);
        read_rows(request, to);
      })) {
    fail();
  }
  jpeg_abort_decompress(&info_);
  state_ = State::decoded;
  return request.region;
}

// False if libjpeg has to: the file is of another kind, or there is something wrong with it, and
// what that is libjpeg says.
bool JpegSession::decode_baseline(const DecodeRequest& request, Image& into) {
  if (baseline_ == nullptr) return false;
  const auto frame = baseline::frame_of(info_);
  using baseline::RegionDecoder;
  if (!frame || !RegionDecoder::can_decode(*frame, request.eighths, request.channels)) return false;
  return baseline_->decode(*frame, scan(), seek_points(), request.region, request.eighths, into);
}

const ColourPlanes* JpegSession::decode_planes(const Region& region) {
  if (!options_.fast_chroma || baseline_ == nullptr) return nullptr;
  if (state_ == State::closed) {
    throw Error(ErrorCode::invalid_argument, "decode_planes() without an image: open() one first");
  }
  check_request({.region = region}, image_.shape);
  if (state_ == State::decoded) read_headers();
  // Where there are as many samples of colour as of brightness, nothing would be gained.
  const auto frame = baseline::frame_of(info_);
  if (!frame || !frame->is_subsampled()) return nullptr;
  const bool good = baseline_->decode_planes(*frame, scan(), seek_points(), region, planes_);
  return good ? &planes_ : nullptr;
}

// Once the headers are read, what follows them.
std::span<const std::byte> JpegSession::scan() const {
  return std::as_bytes(std::span(source_.next_input_byte, source_.bytes_in_buffer));
}

baseline::SeekPoints JpegSession::seek_points() const {
  const baseline::SeekPoints points(points_of_hint(hint_, encoded_));
  if (points.count() > 0 || options_.seek_index == nullptr) return points;
  return baseline::SeekPoints(options_.seek_index->find(encoded_));
}

// Called under guarded().
void JpegSession::start(const DecodeRequest& request) {
  info_.out_color_space = is_cmyk() ? JCS_CMYK : (request.channels == 1 ? JCS_GRAYSCALE : JCS_RGB);
  // Smoothing guesses what a progressive file lacks, from more pixels than a region has.
  info_.do_block_smoothing = FALSE;
  info_.scale_num = static_cast<unsigned>(request.eighths);
  info_.scale_denom = 8;
  jpeg_start_decompress(&info_);
  for (int i = 0; i < info_.num_components; ++i) {
    const JQUANT_TBL* const table = info_.comp_info[i].quant_table;
    if (table == nullptr || table->quantval[0] == 0) {
      info_.err->msg_parm.i[0] = info_.comp_info[i].quant_tbl_no;
      abandon(reinterpret_cast<j_common_ptr>(&info_), JERR_NO_QUANT_TABLE);
    }
  }

  crop_left_ = 0;
  const Region& region = request.region;
  const int width = size_.width;
  const int left = std::max(0, region.left - crop_margin);
  const int right = std::min(width, region.left + region.width + crop_margin);
  const int alignment = info_.max_h_samp_factor * request.eighths;
  // libjpeg-turbo miscounts the columns of chroma that a reduced DCT leaves to be upsampled in
  // part.
  const bool counts_well = request.eighths == 8 || info_.max_h_samp_factor <= 2;
  if (counts_well && (left >= alignment || right + alignment <= width)) {
    auto x = static_cast<JDIMENSION>(left);
    auto columns = static_cast<JDIMENSION>(right - left);
    jpeg_crop_scanline(&info_, &x, &columns);
    crop_left_ = static_cast<int>(x);
  }
  if (region.top > 0) jpeg_skip_scanlines(&info_, static_cast<JDIMENSION>(region.top));
}

// Called under guarded().
void JpegSession::read_rows(const DecodeRequest& request, JSAMPLE* to) {
  const Region& region = request.region;
  const auto row_bytes =
      static_cast<std::size_t>(region.width) * static_cast<std::size_t>(request.channels);
  const bool direct = !is_cmyk() && region.width == size_.width;
  const std::size_t scratch_row_bytes =
      std::size_t{info_.output_width} * static_cast<std::size_t>(info_.output_components);
  const std::size_t skipped_bytes = static_cast<std::size_t>(region.left - crop_left_) *
                                    static_cast<std::size_t>(info_.output_components);
  JSAMPROW rows[rows_a_call];
  for (int y = 0; y < region.height;) {
    const int wanted = std::min(rows_a_call, region.height - y);
    for (int i = 0; i < wanted; ++i) {
      const auto k = static_cast<std::size_t>(i);
      rows[i] = direct ? to + k * row_bytes : scratch_.data() + k * scratch_row_bytes;
    }
    const auto count =
        static_cast<int>(jpeg_read_scanlines(&info_, rows, static_cast<JDIMENSION>(wanted)));
    for (int i = 0; i < count && !direct; ++i) {
      JSAMPLE* const row = to + static_cast<std::size_t>(i) * row_bytes;
      const JSAMPLE* const from = rows[i] + skipped_bytes;
      if (is_cmyk()) {
        convert_cmyk(from, region.width, info_.saw_Adobe_marker, request.channels, row);
      } else {
        std::memcpy(row, from, row_bytes);
      }
    }
    y += count;
    to += static_cast<std::size_t>(count) * row_bytes;
  }
}

// Turns the last failure of libjpeg into an exception, and makes the session ready for the next
// image.
void JpegSession::fail() {
  const int code = errors_.manager.msg_code;
  std::string place = "in its headers";
  if (state_ != State::closed && multiple_scans_) {
    place = "in scan " + std::to_string(info_.input_scan_number);
  } else if (state_ != State::closed) {
    place = "after " + std::to_string(info_.output_scanline) + " of " +
            std::to_string(size_.height) + " rows";
  }
  jpeg_abort_decompress(&info_);
  state_ = State::closed;
  switch (code) {
    case JERR_OUT_OF_MEMORY: throw std::bad_alloc();
    case JERR_BAD_PRECISION:
      throw Error(ErrorCode::unsupported, "JPEG of more than 8 bits a sample");
    case JERR_SOF_UNSUPPORTED:
      throw Error(ErrorCode::unsupported, "lossless, hierarchical or arithmetic-coded JPEG");
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_COMPONENT_COUNT: throw Error(ErrorCode::unsupported, "JPEG: " + errors_.message());
    default: break;
  }
  if (input_ended_) {
    throw Error(ErrorCode::corrupt_data,
                "JPEG ends after " + std::to_string(encoded_.size()) + " bytes, " + place);
  }
  throw Error(ErrorCode::corrupt_data, "JPEG is damaged " + place + ": " + errors_.message());
}

class JpegDecoder final : public Decoder {
 public:
  JpegDecoder(const DecodeOptions& options, bool libjpeg_alone)
      : options_(options), libjpeg_alone_(libjpeg_alone) {}

  std::unique_ptr<DecodeSession> session() const override {
    return std::make_unique<JpegSession>(options_, libjpeg_alone_, tables_);
  }
  std::uint64_t fingerprint() const override {
    // By fast_scale and by fast_chroma.
    static constexpr const char* pixels[2][2] = {
        {"jpeg: islow, fancy upsampling", "jpeg: islow, resampled chroma"},
        {"jpeg: islow, fancy upsampling, least scale",
         "jpeg: islow, resampled chroma, least scale"}};
    return stream_id(pixels[options_.fast_scale][options_.fast_chroma]);
  }

 private:
  DecodeOptions options_;
  bool libjpeg_alone_;
  std::shared_ptr<const InitialTables> tables_ = std::make_shared<InitialTables>();
};

}  // namespace

std::shared_ptr<const Decoder> make_jpeg_decoder(const DecodeOptions& options) {
  return std::make_shared<JpegDecoder>(options, false);
}

std::shared_ptr<const Decoder> make_libjpeg_decoder(const DecodeOptions& options) {
  return std::make_shared<JpegDecoder>(options, true);
}

}  // namespace headrace
