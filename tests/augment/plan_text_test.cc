#include "headrace/augment/plan_text.h"

#include <gtest/gtest.h>

#include "pictures.h"

namespace headrace {
namespace {

TEST(PlanText, IsOneLineOfJson) {
  SamplePlan plan = testing::make_plan({64, 32}, {32, 32}, Filter::triangle, FillMode::constant);
  plan.fill_value = 7;
  plan.add({42, {0.5f}});
  EXPECT_EQ(to_json(plan),
            R"({"source":{"height":64,"width":32},"output":{"height":32,"width":32},)"
            R"("source_from_output":[[1.0,0.0,0.0],[0.0,2.0,0.0]],"resize":"antialias",)"
            R"("fill_mode":"constant","fill_value":7.0,)"
            R"("region":{"top":0,"left":0,"height":64,"width":32},)"
            R"("operations":[{"kind":42,"values":[0.5,0.0,0.0,0.0,0.0,0.0]}]})");
}

}  // namespace
}  // namespace headrace
