#include <gmock/gmock.h>

#include <cstring>

#include "errors.h"
#include "headrace/formats/file_list.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ListLabels : public ::testing::Test {
 protected:
  ListLabels() {
    for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) folder_.write(name, "x");
  }

  std::shared_ptr<const Dataset> parse(const std::string& text, DataOptions options = {},
                                       const std::string& name = "l.csv") {
    options.root = folder_.path();
    return parse_file_list(text, name, options);
  }
  std::shared_ptr<const Dataset> json(const std::string& text, const DataOptions& options = {}) {
    return parse(text, options, "l.jsonl");
  }
  std::string refusal(const std::string& text, const std::string& name = "l.csv",
                      const DataOptions& options = {}) {
    return error_of(ErrorCode::corrupt_data, [&] { parse(text, options, name); });
  }
  static std::vector<float> values(const Dataset& dataset, std::int64_t index,
                                   const std::string& field = "label") {
    Record record;
    dataset.read(index, record);
    const auto bytes = record.values.at(dataset.info().index_of(field)).bytes;
    std::vector<float> numbers(bytes.size() / sizeof(float));
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  TempFolder folder_;
};

TEST_F(ListLabels, NumbersThatAreNotAllWholeAreToBePredicted) {
  const auto dataset = parse("a.jpg,1\nb.jpg,-0.25\nc.jpg,1\n");
  EXPECT_EQ(dataset->info().fields.at(1).kind, FieldKind::values);
  EXPECT_THAT(dataset->info().fields.at(1).shape, ElementsAre(1));
  EXPECT_THAT(dataset->info().classes, IsEmpty());
  EXPECT_THAT(values(*dataset, 0), ElementsAre(1));
  EXPECT_THAT(values(*dataset, 1), ElementsAre(-0.25F));
  EXPECT_EQ(dataset->label(1), -1);
  EXPECT_EQ(parse("a.jpg,0.5\n", {.classes = {"0.5", "1"}})->label(0), 0);
}

TEST_F(ListLabels, AColumnOfValuesIsToBePredictedThoughWhole) {
  EXPECT_THAT(values(*parse("path,value\na.jpg,3\n"), 0), ElementsAre(3));
  const auto dataset = parse("image_id,Smiling,Young\na.jpg,-1,1\nb.jpg,1,1\n");
  EXPECT_THAT(dataset->info().fields.at(1).shape, ElementsAre(2));
  EXPECT_THAT(values(*dataset, 0), ElementsAre(-1, 1));
  EXPECT_THAT(refusal("path,a,b\na.jpg,1,cat\n"),
              AllOf(HasSubstr("l.csv:2"), HasSubstr("'cat' in the column 'b' is no number")));
  EXPECT_THAT(refusal("path,a,b\na.jpg,1,nan\n"), HasSubstr("is no number"));
}

TEST_F(ListLabels, TagsAreSeveralClasses) {
  const auto dataset = parse("path,tags\na.jpg,haze;primary\nb.jpg,\nc.jpg,primary|water clear\n");
  EXPECT_THAT(dataset->info().classes, ElementsAre("clear", "haze", "primary", "water"));
  EXPECT_THAT(values(*dataset, 0), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(values(*dataset, 1), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(values(*dataset, 2), ElementsAre(1, 0, 1, 1));
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_EQ(dataset->label(1), -1);
  const auto mapped = parse("path,tags\na.jpg,b\n", {.classes = {"a", "b"}});
  EXPECT_THAT(values(*mapped, 0), ElementsAre(0, 1));
  EXPECT_THAT(refusal("path,tags\na.jpg,c\n", "l.csv", {.classes = {"a", "b"}}),
              HasSubstr("l.csv:2: label 'c' is not one of the 2 classes"));
}

TEST_F(ListLabels, RowsHaveWeights) {
  const auto dataset = parse("path\tlabel\tweight\tremark\na.jpg\tcat\t0.5\tx\nb.jpg\tdog\t2\ty\n");
  EXPECT_THAT(dataset->info().classes, ElementsAre("cat", "dog"));
  EXPECT_EQ(dataset->label(1), 1);
  EXPECT_THAT(values(*dataset, 0, "weight"), ElementsAre(0.5F));
  EXPECT_THAT(values(*dataset, 1, "weight"), ElementsAre(2));
  EXPECT_THAT(refusal("path,label,weight\na.jpg,cat,-1\n"), HasSubstr("a number from 0 on"));
  EXPECT_THAT(refusal("path,label,weight\na.jpg,cat,\n"), HasSubstr("the weight is no number"));
}

TEST_F(ListLabels, TakesTheRowsOfASplit) {
  const std::string list = "split,path,label\ntrain,a.jpg,x\nval,b.jpg,y\ntrain,c.jpg,y\n";
  const auto train = parse(list, {.split = "train"});
  ASSERT_EQ(train->size(), 2);
  EXPECT_EQ(train->key(1), "l.csv:4: c.jpg");
  EXPECT_EQ(parse(list, {.split = "val"})->label(0), 0);  // its own classes
  EXPECT_EQ(parse(list, {.classes = {"x", "y"}, .split = "val"})->label(0), 1);
  EXPECT_EQ(parse(list)->size(), 3);
  EXPECT_THAT(refusal(list, "l.csv", {.split = "test"}), HasSubstr("no rows of split 'test'"));
  EXPECT_THAT(refusal("a.jpg,x\n", "l.csv", {.split = "val"}), HasSubstr("no column 'split'"));
  EXPECT_THAT(refusal("path,label,weight\na.jpg,x,1\n", "l.csv", {.split = "val"}),
              HasSubstr("no column 'split'"));
}

TEST_F(ListLabels, RefusesHeadersThatMakeNoSense) {
  EXPECT_THAT(refusal("path,label,file\na,b,c\n"), HasSubstr("names 'path' and 'file'"));
  EXPECT_THAT(refusal("label,weight,more\na,1,c\n"), HasSubstr("no column of paths"));
  EXPECT_THAT(refusal("path label weight\na 1 1\n"), HasSubstr("separated by commas or tabs"));
  EXPECT_THAT(refusal("path,label,value\na,1,1\n"), HasSubstr("both a label and values"));
  EXPECT_THAT(refusal("path,label,weight\na.jpg,1\n"),
              HasSubstr("l.csv:2: the line has 2 columns where the header has 3"));
}

TEST_F(ListLabels, ReadsJsonLines) {
  const auto dataset = json(
      "{\"file_name\": \"a.jpg\", \"label\": \"cat\", \"weight\": 2, \"width\": 640}\n\n"
      "{\"file_name\": \"b.jpg\", \"label\": \"a \\u00e9\", \"weight\": 0.5}\r\n");
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->key(1), "l.jsonl:3: b.jpg");
  EXPECT_THAT(dataset->info().classes, ElementsAre("a \xC3\xA9", "cat"));
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_THAT(values(*dataset, 1, "weight"), ElementsAre(0.5F));
  EXPECT_EQ(json(R"({"path": "a.jpg", "label": 7})")->label(0), 7);
  EXPECT_EQ(json(R"({"path": "a.jpg"})")->info().fields.size(), 1U);
}

TEST_F(ListLabels, JsonListsAreTagsOrNumbers) {
  const auto tags = json(
      "{\"path\": \"a.jpg\", \"label\": [\"y\", \"x\"]}\n"
      "{\"path\": \"b.jpg\", \"label\": []}\n");
  EXPECT_THAT(tags->info().classes, ElementsAre("x", "y"));
  EXPECT_THAT(values(*tags, 0), ElementsAre(1, 1));
  EXPECT_THAT(values(*tags, 1), ElementsAre(0, 0));
  EXPECT_THAT(values(*json(R"({"path": "a.jpg", "label": [1, 0.5, -2]})"), 0),
              ElementsAre(1, 0.5F, -2));
  EXPECT_THAT(values(*json(R"({"path": "a.jpg", "value": 3})"), 0), ElementsAre(3));
  EXPECT_THAT(values(*json(R"({"path": "a.jpg", "label": 2.5})"), 0), ElementsAre(2.5F));
}

TEST_F(ListLabels, TakesASplitOfJsonLines) {
  const std::string list =
      "{\"path\": \"a.jpg\", \"split\": \"train\"}\n{\"path\": \"b.jpg\", \"split\": \"val\"}\n";
  EXPECT_EQ(json(list, {.split = "val"})->key(0), "l.jsonl:2: b.jpg");
  EXPECT_EQ(json(list)->size(), 2);
}

TEST_F(ListLabels, NamesTheLineOfJsonThatIsWrong) {
  const std::string first = "{\"path\": \"a.jpg\", \"label\": \"x\"}\n";
  for (const auto& [second, why] : std::vector<std::pair<std::string, std::string>>{
           {"{\"path\": ", "no JSON object"},
           {"[1]", "no JSON object"},
           {"{}", "there is no path"},
           {R"({"path": 3})", "there is no path"},
           {R"({"path": ""})", "the path is empty"},
           {R"({"path": "a\u0000b"})", "a NUL"},
           {R"({"path": "a", "file": "b"})", "another key"},
           {R"({"path": "a"})", "some rows have a label and others have none"},
           {R"({"path": "a", "label": ["x"]})", "of another kind"},
           {R"({"path": "a", "label": {"x": 1}})", "a label is a text"},
           {R"({"path": "a", "label": [1, "x"]})", "something else in it"},
           {R"({"path": "a", "label": ["x", 1]})", "something else in it"},
           {R"({"path": "a", "label": "x", "weight": "much"})", "a weight is a number"}}) {
    EXPECT_THAT(refusal(first + second + "\n", "l.jsonl"),
                AllOf(HasSubstr("l.jsonl:2: "), HasSubstr(why)))
        << second;
  }
  EXPECT_THAT(refusal("\n\n", "l.jsonl"), HasSubstr("has no rows"));
  EXPECT_THAT(
      refusal("{\"path\": \"a\", \"value\": [1]}\n{\"path\": \"b\", \"value\": [1, 2]}", "l.jsonl"),
      HasSubstr("has 2 numbers, and those before have 1"));
  EXPECT_THAT(refusal("{\"path\": \"a\", \"weight\": 1}\n{\"path\": \"b\"}", "l.jsonl"),
              HasSubstr("some rows have a weight"));
}

}  // namespace
}  // namespace headrace
