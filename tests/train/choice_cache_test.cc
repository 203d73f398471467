#include "headrace/train/gpu/choice_cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "../support/temp_folder.h"

namespace headrace::gpu {
namespace {

TEST(ChoiceCache, KeepsWhatWasChosenForTheNextRun) {
  const TempFolder folder;
  const auto file = folder.path() / "deep" / "choices";
  ChoiceCache first(file);
  EXPECT_EQ(first.find("H200 forward 64"), "");
  first.keep("H200 forward 64", "eng0_k2=1");
  first.save();
  EXPECT_EQ(ChoiceCache(file).find("H200 forward 64"), "eng0_k2=1");
}

TEST(ChoiceCache, TakesInWhatOthersWroteMeanwhile) {
  const TempFolder folder;
  const auto file = folder.path() / "choices";
  ChoiceCache one(file), other(file);
  one.keep("a", "1");
  one.save();
  other.keep("b", "2");
  other.save();
  EXPECT_EQ(ChoiceCache(file).find("a"), "1");
  EXPECT_EQ(ChoiceCache(file).find("b"), "2");
}

TEST(ChoiceCache, FilesThatAreNoneOrCannotBeWrittenAreNoError) {
  const TempFolder folder;
  const auto file = folder.path() / "choices";
  std::ofstream(file) << "something else\na\t1\n";
  EXPECT_EQ(ChoiceCache(file).find("a"), "");
  ChoiceCache nowhere("/proc/none/choices");
  nowhere.keep("a", "1");
  nowhere.save();
  EXPECT_EQ(nowhere.find("a"), "1");
  ChoiceCache not_kept{{}};
  not_kept.keep("a", "1");
  not_kept.save();
  EXPECT_EQ(not_kept.find("a"), "1");
}

}  // namespace
}  // namespace headrace::gpu
