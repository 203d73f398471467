#include "headrace/train/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "../support/error_matcher.h"
#include "../support/file_size_limit.h"
#include "../support/temp_folder.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Safetensors : public ::testing::Test {
 protected:
  // A file of this header (its length put before it) and data.
  fs::path raw(const std::string& header, const std::string& data = "") const {
    std::string bytes(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(bytes.data(), &length, sizeof(length));
    return raw_bytes(bytes + header + data);
  }
  fs::path raw_bytes(const std::string& bytes) const {
    const fs::path path = folder_ / "raw.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  void expect_corrupt(const fs::path& path, const std::string& why) const {
    EXPECT_THAT(
        [&] { load_safetensors(path); },
        throws_error(ErrorCode::corrupt_data, AllOf(HasSubstr(path.string()), HasSubstr(why))));
  }

  TempFolder folder_;
  fs::path path_ = folder_ / "model.safetensors";
};

TensorFile small_file() {
  return {.metadata = {{"format", "headrace"}, {"note", "a \"quoted\"\nline, \xc3\xa9"}},
          .tensors = {{"conv2d/kernel", {2, 3}, {1, -2, 3.5f, 0, -0.0f, 1e-40f}},
                      {"a/bias", {1}, {7}},
                      {"empty", {0, 4}, {}},
                      {"scalar", {}, {42}}}};
}

TEST_F(Safetensors, GivesBackWhatWasSavedInItsOrder) {
  const TensorFile saved = small_file();
  save_safetensors(path_, saved);
  const TensorFile loaded = load_safetensors(path_);
  EXPECT_EQ(loaded.metadata, saved.metadata);
  ASSERT_EQ(loaded.tensors.size(), saved.tensors.size());
  for (const std::size_t i : {0u, 1u, 3u}) {
    EXPECT_EQ(loaded.tensors[i].name, saved.tensors[i].name);
    EXPECT_EQ(loaded.tensors[i].shape, saved.tensors[i].shape);
    EXPECT_EQ(loaded.tensors[i].values, saved.tensors[i].values);
  }
  EXPECT_TRUE(std::signbit(loaded.tensors[0].values[4]));
  EXPECT_EQ(loaded.tensors[2].shape, (Shape{0, 4}));
}

TEST_F(Safetensors, KeepsEveryBitOfAFloat) {
  const float nan = std::bit_cast<float>(0x7fc12345u);
  save_safetensors(path_, {{}, {{"x", {2}, {nan, std::numeric_limits<float>::infinity()}}}});
  const auto values = load_safetensors(path_).tensors.at(0).values;
  EXPECT_EQ(std::bit_cast<std::uint32_t>(values[0]), 0x7fc12345u);
  EXPECT_EQ(values[1], std::numeric_limits<float>::infinity());
}

TEST_F(Safetensors, DataStartAtAMultipleOfEightBytes) {
  for (int length = 0; length < 9; ++length) {
    save_safetensors(path_, {{{"k", std::string(static_cast<std::size_t>(length), 'v')}}, {}});
    EXPECT_EQ(fs::file_size(path_) % 8, 0u);
  }
}

TEST_F(Safetensors, AFileWithoutTensorsIsAFile) {
  save_safetensors(path_, {});
  EXPECT_THAT(load_safetensors(path_).tensors, IsEmpty());
}

TEST_F(Safetensors, ReadsTheOtherFloatingPointTypesAndScalarIntegers) {
  // 1.0, -2.0, the smallest f16, the largest, infinity; bf16 of 1 and -0.15625; f64 of 1/3.
  const std::string f16("\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x7c", 10);
  const std::string bf16("\x80\x3f\x20\xbe", 4);
  const double third = 1.0 / 3.0;
  const std::int64_t count = 12;
  std::string rest(16, '\0');
  std::memcpy(rest.data(), &third, 8);
  std::memcpy(rest.data() + 8, &count, 8);
  const auto tensors =
      load_safetensors(raw(R"({"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},)"
                           R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[10,14]},)"
                           R"("d":{"dtype":"F64","shape":[1],"data_offsets":[14,22]},)"
                           R"("n":{"dtype":"I64","shape":[],"data_offsets":[22,30]}})",
                           f16 + bf16 + rest))
          .tensors;
  ASSERT_EQ(tensors.size(), 4u);
  EXPECT_THAT(tensors[0].values, ElementsAre(1.0f, -2.0f, std::ldexp(1.0f, -24), 65504.0f,
                                             std::numeric_limits<float>::infinity()));
  EXPECT_THAT(tensors[1].values, ElementsAre(1.0f, -0.15625f));
  EXPECT_THAT(tensors[2].values, ElementsAre(static_cast<float>(third)));
  EXPECT_THAT(tensors[3].values, ElementsAre(12.0f));
}

TEST_F(Safetensors, OtherTypesAreUnsupported) {
  EXPECT_THAT(
      [&] {
        load_safetensors(raw(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "ab"));
      },
      throws_error(ErrorCode::unsupported, AllOf(HasSubstr("'x'"), HasSubstr("U8"))));
  EXPECT_THAT(
      [&] {
        load_safetensors(raw(R"({"x":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})",
                             std::string(16, '\0')));
      },
      throws_error(ErrorCode::unsupported, HasSubstr("I64")));
}

TEST_F(Safetensors, AFileCutAnywhereIsAnErrorThatNamesIt) {
  save_safetensors(path_, small_file());
  const std::string whole = bytes_of(path_);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const fs::path cut = raw_bytes(whole.substr(0, length));
    EXPECT_THAT([&] { load_safetensors(cut); },
                throws_error(ErrorCode::corrupt_data, HasSubstr(cut.string())))
        << length << " bytes";
  }
  expect_corrupt(raw_bytes(whole + "x"), "1 bytes at the end belong to no tensor");
}

TEST_F(Safetensors, AFileWithAnyByteChangedIsReadOrRefused) {
  save_safetensors(path_, small_file());
  const std::string whole = bytes_of(path_);
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char change : {'\x01', '\x80', '\x20'}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      try {
        EXPECT_LE(load_safetensors(raw_bytes(changed)).tensors.size(), 4u);
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(Safetensors, RefusesHeadersThatAreNone) {
  expect_corrupt(raw("nonsense"), "no JSON object");
  expect_corrupt(raw("[1,2]"), "no JSON object");
  expect_corrupt(raw(R"({"x":)"), "no JSON object");
  expect_corrupt(raw(std::string(100'000, '[')), "no JSON object");
  expect_corrupt(raw_bytes(std::string(8, '\xff') + "{}"), "header of 18446744073709551615 bytes");
  expect_corrupt(raw(R"({"__metadata__":{"k":1}})"), "'k' is no text");
  expect_corrupt(raw(R"({"__metadata__":[]})"), "__metadata__");
}

TEST_F(Safetensors, AHeaderOfMoreThanAHundredMegabytesIsRefusedUnread) {
  std::string length(8, '\0');
  const std::uint64_t bytes = 100'000'001;
  std::memcpy(length.data(), &bytes, sizeof(bytes));
  const fs::path path = raw_bytes(length);
  fs::resize_file(path, 8 + bytes);  // sparse
  expect_corrupt(path, "header of 100000001 bytes");
}

TEST_F(Safetensors, RefusesEntriesThatMakeNoSense) {
  const auto entry = [this](const std::string& body, std::size_t data = 0) {
    return raw("{\"x\":" + body + "}", std::string(data, '\0'));
  };
  expect_corrupt(entry("7"), "tensor 'x'");
  expect_corrupt(entry(R"({"shape":[],"data_offsets":[0,4]})", 4), "no \"dtype\"");
  expect_corrupt(entry(R"({"dtype":1,"shape":[],"data_offsets":[0,4]})", 4), "\"dtype\"");
  expect_corrupt(entry(R"({"dtype":"F32","data_offsets":[0,4]})", 4), "no \"shape\"");
  expect_corrupt(entry(R"({"dtype":"F32","shape":4,"data_offsets":[0,4]})", 4), "\"shape\"");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4), "whole number");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})", 4), "whole number");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]})", 4),
                 "impossible extent");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[1]})", 4), "data_offsets");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})", 4), "no pair");
  expect_corrupt(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,"4"]})", 4), "whole number");
}

TEST_F(Safetensors, RefusesSizesThatDoNotFit) {
  const std::string four(4, '\0');
  expect_corrupt(raw(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four),
                 "do not fit its shape of (2)");
  expect_corrupt(raw(R"({"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],)"
                     R"("data_offsets":[0,4]}})",
                     four),
                 "more elements than can be counted");
  // 2^62 elements of 4 bytes are 0 bytes in 64-bit arithmetic.
  expect_corrupt(raw(R"({"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})"),
                 "do not fit");
  expect_corrupt(raw(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", four),
                 "bytes 0 to 8 of 4");
  expect_corrupt(raw(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", four),
                 "bytes 4 to 0 of 4");
  expect_corrupt(
      raw(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", four),
      "of 4");
}

TEST_F(Safetensors, RefusesOverlapsAndGaps) {
  const auto two = [this](const std::string& first, const std::string& second) {
    return raw(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
                   R"(},"y":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}",
               std::string(16, '\0'));
  };
  EXPECT_EQ(load_safetensors(two("[8,16]", "[0,8]")).tensors.at(0).name, "y");
  expect_corrupt(two("[0,8]", "[4,12]"), "'y' overlaps");
  expect_corrupt(two("[0,8]", "[0,8]"), "overlaps");
  expect_corrupt(two("[4,12]", "[12,20]"), "gap lies before tensor 'x'");
  expect_corrupt(two("[0,4]", "[8,16]"), "gap lies before tensor 'y'");
  expect_corrupt(two("[0,4]", "[4,8]"), "8 bytes at the end");
}

TEST_F(Safetensors, SavesOnlyWhatCanBeRead) {
  EXPECT_THAT(
      [&] {
        save_safetensors(path_, {{}, {{"x", {2}, {1}}}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("'x' has 1 values")));
  EXPECT_THAT(
      [&] {
        save_safetensors(path_, {{}, {{"x", {}, {1}}, {"x", {}, {1}}}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("'x'")));
  EXPECT_THAT(
      [&] {
        save_safetensors(path_, {{}, {{"__metadata__", {}, {1}}}});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("__metadata__")));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Safetensors, TextThatIsNoUtf8DoesNotKeepAModelUnsaved) {
  save_safetensors(path_, {{{"class", "caf\xe9"}}, {{"x", {}, {1}}}});
  EXPECT_EQ(load_safetensors(path_).metadata.at("class"), "caf\xef\xbf\xbd");
}

TEST_F(Safetensors, AFullDiskKeepsTheOldModel) {
  save_safetensors(path_, small_file());
  const std::string before = bytes_of(path_);
  const TensorFile large{{}, {{"x", {100'000}, std::vector<float>(100'000)}}};
  EXPECT_THAT(
      [&] {
        const FileSizeLimit limit(10'000);
        save_safetensors(path_, large);
      },
      throws_error(ErrorCode::io, HasSubstr(path_.string())));
  EXPECT_EQ(bytes_of(path_), before);
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(Safetensors, MissingFilesAndFoldersAreNamed) {
  EXPECT_THAT([&] { load_safetensors(folder_ / "none"); },
              throws_error(ErrorCode::io, AllOf(HasSubstr((folder_ / "none").string()),
                                                HasSubstr("No such file"))));
  EXPECT_THAT([&] { load_safetensors(folder_.path()); },
              throws_error(ErrorCode::io, HasSubstr(folder_.path().string())));
  EXPECT_THAT([&] { save_safetensors(folder_ / "none/x", {}); },
              throws_error(ErrorCode::io, HasSubstr("none/x")));
}

}  // namespace
}  // namespace headrace
