#include "headrace/cli/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

History history(int epochs, bool validated) {
  History result;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    EpochRecord record;
    record.epoch = static_cast<std::uint64_t>(epoch);
    record.loss = 1.0 / (1 + epoch);
    record.accuracy = 1 - record.loss / 2;
    if (validated) {
      record.val_loss = record.loss * 1.1;
      record.val_accuracy = record.accuracy * 0.9;
    }
    result.push_back(record);
  }
  return result;
}

std::filesystem::path picture(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

// Height and width as the file's header says; {0, 0} if it is no PNG.
std::pair<int, int> png_size(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  const std::string bytes = text.str();
  if (bytes.size() < 24 || bytes.substr(1, 3) != "PNG") return {0, 0};
  const auto big_endian = [&bytes](std::size_t at) {
    int value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value * 256 + static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  return {big_endian(20), big_endian(16)};
}

TEST(Plot, DrawsAnyNumberOfEpochsWithAndWithoutValidation) {
  for (const int epochs : {0, 1, 2, 5, 70}) {
    for (const bool validated : {false, true}) {
      const auto path = picture("headrace_curves.png");
      std::filesystem::remove(path);
      plot_history(history(epochs, validated), {"model on data", "subtitle"}, path);
      EXPECT_EQ(png_size(path), std::make_pair(560, 1400)) << epochs;
    }
  }
}

TEST(Plot, HasAnAxisForEpochsAndALegend) {
  const std::string script = plot_script(history(5, true), {"model on data", "", "validation"});
  EXPECT_THAT(script, HasSubstr("set xlabel 'epoch'"));
  EXPECT_THAT(script, HasSubstr("title 'training'"));
  EXPECT_THAT(script, HasSubstr("title 'validation'"));
  EXPECT_THAT(script, HasSubstr("'model on data'"));
}

TEST(Plot, WithoutValidationThereIsOneCurve) {
  EXPECT_THAT(plot_script(history(5, false), {"t", ""}), Not(HasSubstr("validation")));
}

TEST(Plot, QuotesInATitleAreText) {
  EXPECT_THAT(plot_script(history(1, false), {"o'clock", ""}), HasSubstr("'o''clock'"));
}

TEST(Plot, EpochsWithoutNumbersAreLeftOut) {
  History broken = history(3, true);
  broken[1].loss = std::numeric_limits<double>::quiet_NaN();
  broken[1].val_loss.reset();
  const auto path = picture("headrace_gap.png");
  plot_history(broken, {"t", ""}, path);
  EXPECT_EQ(png_size(path).second, 1400);
}

TEST(Plot, WithoutGnuplotAnErrorNamesIt) {
  const char* path = ::getenv("PATH");
  const std::string before = path != nullptr ? path : "";
  ::setenv("PATH", "/nonexistent", 1);
  try {
    plot_history(history(1, false), {"t", ""}, picture("headrace_none.png"));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("gnuplot"));
  }
  ::setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace headrace::cli
