#include "headrace/augment/plan_text.h"

#include <gtest/gtest.h>

#include "headrace/pipeline/rng.h"
#include "pictures.h"

namespace headrace {
namespace {

TEST(PlanText, IsOneLineOfJson) {
  SamplePlan plan = testing::make_plan({64, 32}, {32, 32}, Filter::triangle, FillMode::constant);
  plan.fill_value = 7;
  plan.add({stream_id("brightness"), {0.5f}});
  plan.add({42, {0, 0.25f}});
  EXPECT_EQ(to_json(plan),
            R"({"source":{"height":64,"width":32},"output":{"height":32,"width":32},)"
            R"("source_from_output":[[1.0,0.0,0.0],[0.0,2.0,0.0]],"resize":"antialias",)"
            R"("fill_mode":"constant","fill_value":7.0,)"
            R"("region":{"top":0,"left":0,"height":64,"width":32},)"
            R"("operations":[{"name":"brightness","values":[0.5]},)"
            R"({"kind":42,"values":[0.0,0.25]}]})");
}

TEST(PlanText, SaysInWordsWhatIsSeen) {
  SamplePlan plan = testing::make_plan({64, 64}, {32, 32}, Filter::triangle, FillMode::nearest);
  EXPECT_EQ(to_words(plan), "1.00 x 1.00 of the image about 0.50, 0.50");
  testing::mirror_horizontally(plan);
  plan.add({stream_id("hue"), {-0.125f}});
  EXPECT_EQ(to_words(plan), "1.00 x 1.00 of the image about 0.50, 0.50; mirrored; hue -0.125");
  plan = testing::make_plan({64, 64}, {64, 64}, Filter::triangle, FillMode::nearest);
  plan.source_from_output = {.xx = 0, .xy = -1, .xt = 64, .yx = 1, .yy = 0};
  EXPECT_EQ(to_words(plan), "turned 90.0 deg; 1.00 x 1.00 of the image about 0.50, 0.50");
}

TEST(PlanText, SaysWhichWayItIsMirroredAndWhatIsSheared) {
  SamplePlan plan = testing::make_plan({64, 64}, {64, 64}, Filter::triangle, FillMode::nearest);
  testing::mirror_vertically(plan);
  plan.add({stream_id("elastic"), {20, 4, 16000000, 5000000}});
  EXPECT_EQ(to_words(plan),
            "1.00 x 1.00 of the image about 0.50, 0.50; mirrored top to bottom; elastic 20 4");
  plan = testing::make_plan({64, 64}, {64, 64}, Filter::triangle, FillMode::nearest);
  plan.source_from_output = {.xx = 1, .xy = 0.25, .xt = -8, .yy = 1};
  EXPECT_EQ(to_words(plan), "1.00 x 1.03 of the image about 0.50, 0.50; sheared 14.0 deg");
}

}  // namespace
}  // namespace headrace
