#include "headrace/augment/parameter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Parameter, EveryOneHasAUniqueNameOneLineOfHelpAndAnAllowedDefault) {
  std::set<std::string> names;
  for (const Parameter& parameter : recipe_parameters()) {
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
    EXPECT_FALSE(parameter.help.empty()) << parameter.name;
    EXPECT_EQ(parameter.help.find('\n'), std::string::npos) << parameter.name;
    EXPECT_NO_THROW(check_value(parameter, parameter.default_value)) << parameter.name;
  }
}

TEST(Parameter, TextIsReadByKind) {
  EXPECT_EQ(parse_value(recipe_parameter("width_shift"), "0.25"), ParameterValue(0.25));
  EXPECT_EQ(parse_value(recipe_parameter("horizontal_flip"), "true"), ParameterValue(true));
  EXPECT_EQ(parse_value(recipe_parameter("channel_std"), "0.5,1,2"),
            ParameterValue(std::vector<double>{0.5, 1, 2}));
  EXPECT_EQ(parse_value(recipe_parameter("random_resized_crop"), ""),
            ParameterValue(std::vector<double>{}));
  EXPECT_EQ(to_string(ParameterValue(std::vector<double>{0.08, 1})), "0.08,1");
  EXPECT_EQ(parse_value(recipe_parameter("fill_mode"), "wrap"),
            ParameterValue(std::string("wrap")));
}

TEST(Parameter, TextOfAValueReadsBackAsTheValue) {
  for (const double number : {0.1, 1.0 / 255, 1e-9, 12345.678}) {
    EXPECT_EQ(parse_value(recipe_parameter("rescale"), to_string(ParameterValue(number))),
              ParameterValue(number));
  }
}

TEST(Parameter, AWrongValueIsRefusedWithWhatWouldDo) {
  const auto refused = [](const char* name, const char* text, const char* advice) {
    EXPECT_THAT([&] { parse_value(recipe_parameter(name), text); },
                throws_error(ErrorCode::invalid_argument,
                             AllOf(HasSubstr(name), HasSubstr(text), HasSubstr(advice))));
  };
  refused("width_shift", "-0.1", "a number from 0 to 1000");
  refused("width_shift", "nan", "a number from 0 to 1000");
  refused("width_shift", "0.1x", "a number from 0 to 1000");
  refused("fill_value", "256", "a number from 0 to 255");
  refused("horizontal_flip", "yes", "true or false");
  refused("random_resized_crop", "0.5", "one range or two, from");
  refused("random_resized_crop", "1,0.5", "the low end first");
  refused("random_resized_crop", "0.5,1,", "one range or two");
  refused("random_resized_crop", "0.5,1,1,2,3,4", "one range or two");
  refused("channel_std", "0.2,0", "up to 16 numbers");
  refused("channel_mean", "a", "up to 16 numbers");
  refused("posterize", "9", "bits from 0 to 8 (8 if left out), probability from 0 to 1");
  refused("posterize", "4,0.5,1", "up to 2 numbers");
  refused("zoom", "1.2,0.8", "the low end first");
  refused("auto_augment", "coco", "one of none, imagenet, cifar10, svhn");
  refused("fill_mode", "mirrored", "one of nearest, constant, reflect, wrap");
  EXPECT_THAT([] { check_value(recipe_parameter("rescale"), std::string("1")); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("rescale")));
}

TEST(Parameter, AnUnknownNameIsRefusedWithTheKnownOnes) {
  EXPECT_THAT([] { recipe_parameter("widht_shift"); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("widht_shift"), HasSubstr("rotation, width_shift, "))));
}

}  // namespace
}  // namespace headrace
