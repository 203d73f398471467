#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "headrace/formats/open_dataset.h"
#include "headrace/formats/pack.h"
#include "headrace/formats/pack_writer.h"
#include "headrace/pipeline/error.h"
#include "tests/formats/jpeg_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using fixtures::encode_as;
using fixtures::photo;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// All that a pack gives: "" if an Error says that it is damaged.
std::string contents(const std::filesystem::path& path) {
  try {
    const auto pack = open_pack(path);
    std::string all = std::to_string(pack->size()) + pack->info().name;
    for (const std::string& name : pack->info().classes) all += name;
    Record record;
    for (std::int64_t i = 0; i < pack->size(); ++i) {
      pack->read(i, record);
      for (const RecordValue& value : record.values) {
        all += text_of(value.bytes) + text_of(value.hint) + "|";
      }
      all += pack->key(i) + std::to_string(pack->label(i));
    }
    return all + std::to_string(pack->fingerprint());
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::io ||
                error.code() == ErrorCode::invalid_argument)
        << error.what();
    EXPECT_NE(std::string(error.what()).find(".hpack"), std::string::npos) << error.what();
    return "";
  }
}

// A pack of three small photos in two parts.
class PackDamage : public ::testing::Test {
 protected:
  PackDamage() {
    std::string list = "path,label\n";
    for (int i = 0; i < 3; ++i) {
      const std::string name = std::to_string(i) + ".jpg";
      folder_.write(name, text_of(encode_as(photo(16, 12 + i), {2, 2, false, 0, false, 30})));
      list += name + "," + (i == 1 ? "cat" : "dog") + "\n";
    }
    folder_.write("list.csv", list);
    PackOptions options;
    options.part_bytes = 2500;
    write_pack(*open_dataset((folder_ / "list.csv").string()), folder_ / "a.hpack", options);
    sound_ = contents(folder_ / "a.hpack");
  }

  // How many of the changes were harmless; each must be that, or be detected.
  int flip_each_byte(const std::string& name, int mask) const {
    const auto path = folder_ / name;
    const std::string content = bytes_of(path);
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    int harmless = 0;
    for (std::size_t i = 0; i < content.size(); ++i) {
      const char changed = static_cast<char>(content[i] ^ mask);
      EXPECT_EQ(::pwrite(file, &changed, 1, static_cast<off_t>(i)), 1);
      const std::string now = contents(folder_ / "a.hpack");
      EXPECT_TRUE(now.empty() || now == sound_) << name << ": byte " << i;
      harmless += !now.empty();
      EXPECT_EQ(::pwrite(file, &content[i], 1, static_cast<off_t>(i)), 1);
    }
    ::close(file);
    return harmless;
  }

  void cut_everywhere(const std::string& name) const {
    const std::string content = bytes_of(folder_ / name);
    for (std::size_t size = content.size(); size-- > 0;) {
      std::filesystem::resize_file(folder_ / name, size);
      EXPECT_EQ(contents(folder_ / "a.hpack"), "") << name << ": cut at " << size;
    }
  }

  TempFolder folder_;
  std::string sound_;
};

TEST_F(PackDamage, AnyByteFlippedIsDetectedOrHarmless) {
  ASSERT_FALSE(sound_.empty());
  ASSERT_TRUE(std::filesystem::exists(folder_ / "a.hpack.001"));
  for (const int mask : {0x01, 0x80, 0xFF}) {
    // What lies between two records to align them is of no use.
    EXPECT_LT(flip_each_byte("a.hpack", mask), 3 * 64);
    EXPECT_LT(flip_each_byte("a.hpack.001", mask), 64);
  }
  EXPECT_EQ(contents(folder_ / "a.hpack"), sound_);
}

TEST_F(PackDamage, CutAnywhereIsDetected) {
  cut_everywhere("a.hpack.001");
  cut_everywhere("a.hpack");
}

}  // namespace
}  // namespace headrace
