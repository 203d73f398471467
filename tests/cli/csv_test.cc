#include "headrace/cli/csv.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(CsvField, PlainTextStaysPlain) { EXPECT_EQ(csv_field("cats/812.jpg"), "cats/812.jpg"); }

TEST(CsvField, WhatWouldBreakARowIsQuoted) {
  EXPECT_EQ(csv_field("a,b.jpg"), "\"a,b.jpg\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

TEST(CsvField, IsQuotedWhenAsked) { EXPECT_EQ(csv_field("#1.jpg", true), "\"#1.jpg\""); }

}  // namespace
}  // namespace headrace::cli
