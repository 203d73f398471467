#include "headrace/formats/file_list.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "errors.h"
#include "headrace/formats/image_files.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Row {
  std::string path;
  std::string label;  // "" without labels
  friend bool operator==(const Row&, const Row&) = default;
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.path << " = " << row.label; }
};

std::vector<Row> rows_of(const Dataset& list) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < list.size(); ++i) {
    const std::string key = list.key(i);
    const std::int64_t label = list.label(i);
    rows.push_back({key.substr(key.find(": ") + 2),
                    label < 0 ? "" : list.info().classes.at(static_cast<std::size_t>(label))});
  }
  return rows;
}

std::vector<Row> parsed(std::string_view text) { return rows_of(*parse_file_list(text, "l.csv")); }

std::string fault(std::string_view text, const DataOptions& options = {}) {
  return error_of(ErrorCode::corrupt_data, [&] { parse_file_list(text, "l.csv", options); });
}

const std::vector<Row> two_rows = {{"a/1.jpg", "cat"}, {"b/2.jpg", "dog"}};

TEST(FileList, ReadsCommasTabsAndSpacesWithAndWithoutHeader) {
  EXPECT_EQ(parsed("path,label\na/1.jpg,cat\nb/2.jpg,dog\n"), two_rows);
  EXPECT_EQ(parsed("a/1.jpg,cat\nb/2.jpg,dog"), two_rows);
  EXPECT_EQ(parsed("a/1.jpg\tcat\nb/2.jpg\tdog\n"), two_rows);
  EXPECT_EQ(parsed("file\tclass\na/1.jpg\tcat\nb/2.jpg\tdog\n"), two_rows);
  EXPECT_EQ(parsed("a/1.jpg cat\nb/2.jpg   dog \n"), two_rows);
  EXPECT_EQ(parsed("image label\na/1.jpg cat\nb/2.jpg dog\n"), two_rows);
}

TEST(FileList, HeaderMayPutTheLabelFirst) {
  EXPECT_EQ(parsed("label,path\ncat,a/1.jpg\ndog,b/2.jpg\n"), two_rows);
  EXPECT_EQ(parsed("class\tFile Name\ncat\ta/1.jpg\ndog\tb/2.jpg\n"), two_rows);
  EXPECT_EQ(parsed("y image\ncat a/1.jpg\ndog b/2.jpg\n"), two_rows);
  EXPECT_EQ(parsed("Image,Diagnosis\na/1.jpg,cat\nb/2.jpg,dog\n"), two_rows);
}

TEST(FileList, FirstRowOfAnotherKindIsData) {
  EXPECT_EQ(parsed("path/1.jpg,class\nb/2.jpg,label\n"),
            (std::vector<Row>{{"path/1.jpg", "class"}, {"b/2.jpg", "label"}}));
}

TEST(FileList, TakesLineEndsByteOrderMarkBlankLinesAndComments) {
  EXPECT_EQ(parsed("\xEF\xBB\xBFpath,label\r\na/1.jpg,cat\r\n\r\nb/2.jpg,dog\r\n"), two_rows);
  EXPECT_EQ(
      parsed("# made by hand\n\n  \t\npath,label\n  # one\na/1.jpg,cat\n#two\nb/2.jpg,dog\n\n"),
      two_rows);
}

TEST(FileList, TakesQuotesAndTrimsUnquotedFields) {
  EXPECT_EQ(
      parsed("path,label\n\"a,b.jpg\",cat\n \"say \"\"hi\"\".jpg\" , \"x, y\"\n c.jpg , dog \n"),
      (std::vector<Row>{{"a,b.jpg", "cat"}, {"say \"hi\".jpg", "x, y"}, {"c.jpg", "dog"}}));
  EXPECT_EQ(parsed("\"# 1.jpg\",\" cat\"\n5\" disk.jpg,dog\n"),
            (std::vector<Row>{{"# 1.jpg", " cat"}, {"5\" disk.jpg", "dog"}}));
  EXPECT_EQ(
      parsed("my cat.jpg \"grey cat\"\n\"my dog.jpg\" dog\na b c.jpg 7\n"),
      (std::vector<Row>{{"my cat.jpg", "grey cat"}, {"my dog.jpg", "dog"}, {"a b c.jpg", "7"}}));
}

TEST(FileList, TakesPathsAlone) {
  const auto list = parse_file_list("path\na.jpg\nmy cat.jpg\n\"b,c.jpg\"\n", "l.csv");
  EXPECT_EQ(rows_of(*list), (std::vector<Row>{{"a.jpg", ""}, {"my cat.jpg", ""}, {"b,c.jpg", ""}}));
  EXPECT_EQ(list->label(0), -1);
  EXPECT_EQ(list->info().fields.size(), 1u);
  EXPECT_THAT(list->info().classes, IsEmpty());
  EXPECT_EQ(parsed("my cat.jpg\nb.jpg\n"), (std::vector<Row>{{"my cat.jpg", ""}, {"b.jpg", ""}}));
}

TEST(FileList, WholeNumbersAreClassIndices) {
  const auto list = parse_file_list("a.jpg,3\nb.jpg,0\nc.jpg,03\n", "l.csv");
  EXPECT_THAT(list->info().classes, ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(list->label(0), 3);
  EXPECT_EQ(list->label(1), 0);
  EXPECT_EQ(list->label(2), 3);
}

TEST(FileList, NamesAreClassesInSortedOrderAlsoAmongNumbers) {
  const auto list = parse_file_list("a.jpg,B\nb.jpg,7\nc.jpg,A\nd.jpg,B\n", "l.csv");
  EXPECT_THAT(list->info().classes, ElementsAre("7", "A", "B"));
  EXPECT_EQ(list->label(0), 2);
  EXPECT_EQ(list->label(1), 0);
  EXPECT_EQ(list->label(2), 1);
  EXPECT_EQ(list->label(3), 2);
}

TEST(FileList, UsesTheClassesOfAnotherDataSet) {
  DataOptions options;
  options.classes = {"dog", "cat", "cow"};
  const auto named = parse_file_list("a.jpg,cat\nb.jpg,dog\n", "l.csv", options);
  EXPECT_EQ(named->label(0), 1);
  EXPECT_EQ(named->label(1), 0);
  EXPECT_EQ(named->info().classes, options.classes);
  EXPECT_EQ(parse_file_list("a.jpg,2\n", "l.csv", options)->label(0), 2);

  EXPECT_EQ(fault("path,label\na.jpg,cat\nb.jpg,bird\nc.jpg,bird\n", options),
            "l.csv:3: label 'bird' is not one of the 3 classes (dog, cat, cow)");
  EXPECT_THAT(fault("a.jpg,3\n", options), HasSubstr("l.csv:1: label '3' is not one of the 3"));
  EXPECT_THAT(fault("a.jpg,-1\n", options), HasSubstr("l.csv:1: label '-1' is not one"));

  options.classes = {"2", "7"};  // names that are numbers are names
  EXPECT_EQ(parse_file_list("a.jpg,7\n", "l.csv", options)->label(0), 1);
  EXPECT_THAT(fault("a.jpg,1\n", options), HasSubstr("label '1' is not one of the 2 classes"));
}

TEST(FileList, RefusesClassNumbersThatMakeNoSense) {
  EXPECT_EQ(fault("a.jpg,0\nb.jpg,-1\n"),
            "l.csv:2: label '-1' is negative; class numbers are 0 .. 999999, other labels must be "
            "names");
  EXPECT_THAT(fault("a.jpg,0\nb.jpg,1000000\n"),
              HasSubstr("l.csv:2: label '1000000' is too large"));
  EXPECT_THAT(fault("a.jpg,99999999999999999999999\n"), HasSubstr("l.csv:1: label '9999"));
  EXPECT_EQ(parse_file_list("a.jpg,999999\n", "l.csv")->info().classes.size(), 1'000'000u);
}

TEST(FileList, ReportsEveryFaultAtItsLine) {
  EXPECT_EQ(fault("path,label\na.jpg,1\nb.jpg\n"),
            "l.csv:3: the line has 1 column where the list has 2, a path and a label; put a path "
            "that contains commas, tabs or spaces in quotes");
  EXPECT_THAT(fault("a.jpg,1\nb,c.jpg,2\n"), HasSubstr("l.csv:2: the line has 3 columns"));
  EXPECT_THAT(fault("a.jpg,1\nb.jpg,2,3,4\n"), HasSubstr("l.csv:2: the line has 4 columns"));
  EXPECT_THAT(fault("a.jpg\nb.jpg,2\n"), HasSubstr("l.csv:2: the line has 2 columns"));
  EXPECT_THAT(fault("a.jpg\nb.jpg 2\n"), HasSubstr("l.csv:2: the line has 2 columns"));
  EXPECT_THAT(fault("a.jpg 1\nb.jpg\n"), HasSubstr("l.csv:2: the line has 1 column"));
  EXPECT_THAT(fault("a.jpg,1\n,2\n"), HasSubstr("l.csv:2: there is no path"));
  EXPECT_THAT(fault("a.jpg,1\n\"\",2\n"), HasSubstr("l.csv:2: there is no path"));
  EXPECT_THAT(fault("a.jpg,1\nb.jpg,\n"), HasSubstr("l.csv:2: b.jpg has no label"));
  EXPECT_THAT(fault("a.jpg\t1\nb.jpg\t\n"), HasSubstr("l.csv:2: b.jpg has no label"));
  EXPECT_THAT(fault("a.jpg,1\n\"b.jpg,2\n"), HasSubstr("l.csv:2: a quote is not closed"));
  EXPECT_THAT(fault("a.jpg,1\n\"b\".jpg,2\n"), HasSubstr("l.csv:2: there is text after a closing"));
  EXPECT_THAT(fault("a.jpg,1\nb.jpg,2\rc.jpg,3\n"), HasSubstr("l.csv:2: there is a carriage"));
  EXPECT_THAT(fault("a,b.jpg\n"), HasSubstr("l.csv:1: the label 'b.jpg' looks like a file"));
  EXPECT_THAT(fault("a.jpg,1\n" + std::string(5000, 'x') + ",1\n"),
              HasSubstr("l.csv:2: the path is 5000 bytes long"));
  EXPECT_THAT(fault(std::string_view("a.jpg,1\nb.\0jpg,1\n", 17)),
              HasSubstr("l.csv:2: there is a NUL"));
  EXPECT_THAT(fault(std::string_view("\xFF\xFE"
                                     "a\0,\0",
                                     6)),
              HasSubstr("l.csv:1: the text is UTF-16"));
}

TEST(FileList, ReportsFaultyHeaders) {
  EXPECT_THAT(fault("path,label,mask,segmentation\na.jpg,1,b.png,c.png\n"),
              HasSubstr("'segmentation' means what another column does"));
  EXPECT_THAT(fault("path,image\na.jpg,1\n"),
              HasSubstr("l.csv:1: the header names 'path' and 'image'"));
  EXPECT_THAT(fault("label\n1\n"), HasSubstr("l.csv:1: the header names labels and no paths"));
}

std::vector<float> numbers_of(const RecordValue& value) {
  std::vector<float> numbers(value.bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), value.bytes.data(), value.bytes.size());
  return numbers;
}

TEST(FileList, ReadsColumnsThatMoveWithTheImageAndValues) {
  const TempFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "m.png", "n.png", "p.jpg"}) {
    folder.write(name, std::string("content of ") + name);
  }
  folder.write("l.csv",
               "id, mask ,path,Boxes,label,points,image2,weight\n"
               "31,m.png,a.jpg,1 2 3.5 4 7; 0 0 9 9,cat,5 6;-;7.5 8,p.jpg,0.25\n"
               "8.5,\"n.png\",b.jpg,,dog,1 1,p.jpg,2\n");
  const auto list = open_file_list(folder.path() / "l.csv");
  const DatasetInfo& info = list->info();
  std::vector<std::string> names;
  for (const DatasetField& field : info.fields) names.push_back(field.name);
  EXPECT_THAT(names, ElementsAre("image", "label", "weight", "mask", "boxes", "points", "image2"));
  EXPECT_EQ(info.fields[3].target, FieldTarget::mask);
  EXPECT_EQ(info.fields[3].kind, FieldKind::encoded_image);
  EXPECT_EQ(info.fields[6].target, FieldTarget::pair);
  EXPECT_THAT(info.fields[4].shape, ElementsAre(2, 6));
  EXPECT_THAT(info.fields[5].shape, ElementsAre(3, 3));
  EXPECT_THAT(info.classes, ElementsAre("cat", "dog"));
  Record record;
  list->read(0, record);
  const auto text = [&](std::size_t i) {
    const auto& bytes = record.values[i].bytes;
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(text(0), "content of a.jpg");
  EXPECT_EQ(text(3), "content of m.png");
  EXPECT_EQ(text(6), "content of p.jpg");
  EXPECT_THAT(numbers_of(record.values[2]), ElementsAre(0.25));
  EXPECT_THAT(numbers_of(record.values[4]), ElementsAre(1, 2, 3.5, 4, 7, 1, 0, 0, 9, 9, 0, 1));
  EXPECT_THAT(numbers_of(record.values[5]), ElementsAre(5, 6, 1, 0, 0, 0, 7.5, 8, 1));
  list->read(1, record);
  EXPECT_EQ(text(3), "content of n.png");
  EXPECT_THAT(numbers_of(record.values[4]), ElementsAre(0, 0, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0));
  EXPECT_THAT(numbers_of(record.values[5]), ElementsAre(1, 1, 1, 0, 0, 0, 0, 0, 0));
}

TEST(FileList, ReadsTheSameOfLinesOfJson) {
  const auto of_json = parse_file_list(
      R"({"path": "a.jpg", "mask": "m.png", "boxes": [[1, 2, 3.5, 4, 7], [0, 0, 9, 9]], )"
      R"("points": [[5, 6], null, [7.5, 8]], "image2": "p.jpg"})"
      "\n"
      R"({"path": "b.jpg", "mask": "n.png", "boxes": null, "points": "1 1", "image2": "p.jpg"})"
      "\n",
      "l.jsonl");
  const auto of_text = parse_file_list(
      "path,boxes,image2,mask,points\n"
      "a.jpg,1 2 3.5 4 7; 0 0 9 9,p.jpg,m.png,5 6;-;7.5 8\nb.jpg,,p.jpg,n.png,1 1\n",
      "l.csv");
  ASSERT_EQ(of_json->info().fields.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(of_json->info().fields[i].name, of_text->info().fields[i].name);
    EXPECT_EQ(of_json->info().fields[i].target, of_text->info().fields[i].target);
    EXPECT_EQ(of_json->info().fields[i].shape, of_text->info().fields[i].shape);
  }
  EXPECT_EQ(of_json->fingerprint(), of_text->fingerprint());
}

TEST(FileList, ReportsFaultyTargetsInLinesOfJson) {
  const auto refusal = [](const std::string& target) {
    return error_of(ErrorCode::corrupt_data, [&] {
      parse_file_list(R"({"path": "a", "mask": "m", "boxes": []})"
                      "\n"
                      R"({"path": "b", )" +
                          target + "}\n",
                      "l.jsonl");
    });
  };
  EXPECT_THAT(refusal(R"("boxes": [])"), HasSubstr("l.jsonl:2: 'mask' must be the path of a file"));
  EXPECT_THAT(refusal(R"("mask": "m", "boxes": [[1, 2, 3]])"),
              HasSubstr("'boxes': [1,2,3] is no box"));
  EXPECT_THAT(refusal(R"("mask": "m", "boxes": [1, 2, 3, 4])"), HasSubstr("a list of lists"));
  EXPECT_THAT(refusal(R"("mask": "m", "boxes": [["1", 2, 3, 4]])"), HasSubstr("something else"));
  EXPECT_THAT(refusal(R"("mask": "m", "points": [])"),
              HasSubstr("'points' is not in the first row"));
}

TEST(FileList, MayHaveMasksAndNoLabels) {
  const auto list = parse_file_list("path,Mask Path,value\na.jpg,b.png,0.5\n", "l.csv");
  EXPECT_EQ(list->label(0), -1);
  EXPECT_EQ(list->info().fields.size(), 3u);
  const auto masks = parse_file_list("path,mask\na.jpg,b.png\n", "l.csv");
  EXPECT_EQ(masks->info().fields.size(), 2u);
}

TEST(FileList, FingerprintsOfColumnsDiffer) {
  const auto print = [](const char* text) { return parse_file_list(text, "l.csv")->fingerprint(); };
  EXPECT_NE(print("path,mask\na.jpg,b.png\n"), print("path,mask\na.jpg,c.png\n"));
  EXPECT_NE(print("path,boxes\na.jpg,1 2 3 4\n"), print("path,boxes\na.jpg,1 2 3 5\n"));
  EXPECT_EQ(print("path,boxes\na.jpg,1 2 3 4\n"), print("path,bboxes\na.jpg,1 2 3 4 0\n"));
}

TEST(FileList, ReportsFaultyCells) {
  EXPECT_THAT(fault("path,mask\na.jpg,\n"),
              HasSubstr("l.csv:2: there is no file in column 'mask'"));
  EXPECT_THAT(fault("path,boxes\na.jpg,1 2 3\n"), HasSubstr("column 'boxes': '1 2 3' is no box"));
  EXPECT_THAT(fault("path,boxes\na.jpg,5 2 3 4\n"), HasSubstr("ends before it begins"));
  EXPECT_THAT(fault("path,points\na.jpg,5 nan\n"), HasSubstr("is no point"));
  EXPECT_THAT(fault("path,label,mask\na.jpg,1\n"),
              HasSubstr("l.csv:2: the line has 2 columns where the header has 3"));
}

TEST(FileList, RefusesAListWithoutRows) {
  for (const char* text : {"", "\n\n", "path,label\n", "# nothing\n", "path,label"}) {
    EXPECT_THAT(fault(text), HasSubstr("l.csv has no rows; write one image a line")) << text;
  }
}

TEST(FileList, ReadsImagesRelativeToTheListOrTheRoot) {
  const TempFolder folder;
  folder.write("lists/pics/a.jpg", "beside the list");
  folder.write("other/pics/a.jpg", "in the root");
  const auto list = folder.write("lists/l.csv", "path,label\npics/a.jpg,3\n");
  Record record;
  const auto beside = open_file_list(list);
  beside->read(0, record);
  ASSERT_EQ(record.values.size(), 2u);
  EXPECT_EQ(record.values[0].bytes.size(), std::string("beside the list").size());
  std::int32_t label = 0;
  ASSERT_EQ(record.values[1].bytes.size(), sizeof(label));
  std::memcpy(&label, record.values[1].bytes.data(), sizeof(label));
  EXPECT_EQ(label, 3);
  EXPECT_EQ(beside->key(0), list.string() + ":2: pics/a.jpg");
  EXPECT_EQ(beside->info().name, list.string());

  DataOptions options;
  options.root = folder / "other";
  open_file_list(list, options)->read(0, record);
  EXPECT_EQ(record.values[0].bytes.size(), std::string("in the root").size());
}

TEST(FileList, AMissingImageIsReportedWhenRead) {
  const TempFolder folder;
  const auto list = open_file_list(folder.write("l.csv", "a.jpg,0\n"));
  Record record;
  EXPECT_EQ(error_of(ErrorCode::io, [&] { list->read(0, record); }),
            "cannot open " + (folder / "a.jpg").string() + ": No such file or directory");
}

TEST(FileList, NamesAMissingListAndAMissingRoot) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_file_list(folder / "none.csv"); }),
              HasSubstr("cannot open " + (folder / "none.csv").string()));
  DataOptions options;
  options.root = folder / "none";
  EXPECT_THAT(
      error_of(ErrorCode::io, [&] { open_file_list(folder.write("l.csv", "a.jpg,0\n"), options); }),
      HasSubstr("cannot open folder " + (folder / "none").string()));
}

TEST(FileList, FingerprintTellsNamesOrderAndLabelsApartAndNotTheirSpelling) {
  const auto of = [](std::string_view text) { return parse_file_list(text, "l")->fingerprint(); };
  const auto base = of("a.jpg,0\nb.jpg,1\n");
  EXPECT_EQ(base, of("path,label\r\n\"a.jpg\",0\r\n\r\nb.jpg , 1"));
  EXPECT_NE(base, of("b.jpg,1\na.jpg,0\n"));
  EXPECT_NE(base, of("a.jpg,0\nb.jpg,0\n"));
  EXPECT_NE(base, of("a.jpg,0\nc.jpg,1\n"));
}

TEST(FileList, KeepsItsTextAndTwentyFourBytesARow) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "c/" + std::to_string(i) + ".jpg," + std::to_string(i % 10) + "\n";
  const auto list = parse_file_list(text, "l");
  const auto* files = dynamic_cast<const ImageFiles*>(list.get());
  ASSERT_NE(files, nullptr);
  EXPECT_LE(files->memory_bytes(), text.size() + 16 + 24 * 10'001);
}

// Writes rows in a random way of those that mean the same.
class ListWriter {
 public:
  explicit ListWriter(std::mt19937& random) : random_(random) {}

  std::string write(const std::vector<Row>& rows) {
    const bool labelled = !rows[0].label.empty();
    separator_ = coin() ? ',' : '\t';
    label_first_ = labelled && coin();
    std::string text = coin() ? "\xEF\xBB\xBF" : "";
    noise(text);
    if (label_first_ || coin()) {
      text += labelled ? line("filename", "class") : "filename";
      text += line_end();
    }
    for (const Row& row : rows) {
      noise(text);
      text += labelled ? line(row.path, row.label) : field(row.path);
      text += line_end();
    }
    if (coin()) text.pop_back();
    if (text.back() == '\r') text.pop_back();
    return text;
  }

 private:
  bool coin() { return random_() % 2 == 0; }
  std::string line_end() { return coin() ? "\n" : "\r\n"; }
  void noise(std::string& text) {
    if (random_() % 8 == 0) text += line_end();
    if (random_() % 8 == 0) text += "# \"a, comment" + line_end();
  }
  std::string field(const std::string& value) {
    const bool needs = value.find_first_of(",\t\"#") != std::string::npos || value.front() == ' ' ||
                       value.back() == ' ';
    const std::string blank = coin() ? " " : "";
    if (!needs && coin()) return blank + value + blank;
    std::string quoted = blank + "\"";
    for (char c : value) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"" + blank;
  }
  std::string line(const std::string& path, const std::string& label) {
    return (label_first_ ? field(label) : field(path)) + separator_ +
           (label_first_ ? field(path) : field(label));
  }

  std::mt19937& random_;
  char separator_ = ',';
  bool label_first_ = false;
};

std::string random_text(std::mt19937& random, std::size_t length) {
  constexpr std::string_view letters = "abcXYZ019 ,\"#;_-/\t\xC3\xA9";
  std::string text;
  while (text.size() < length) text += letters[random() % letters.size()];
  return text;
}

TEST(FileList, RowsComeBackHoweverTheyAreWritten) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    const bool labelled = random() % 4 != 0;
    std::vector<Row> rows(1 + random() % 8);
    for (Row& row : rows) {
      row.path = random_text(random, 1 + random() % 12) + ".jpg";
      if (labelled) row.label = "c" + random_text(random, random() % 5);
    }
    const std::string text = ListWriter(random).write(rows);
    ASSERT_EQ(parsed(text), rows) << text;
  }
}

TEST(FileList, AnyCutOrDamageGivesRowsOrAnErrorAtALine) {
  const std::string whole =
      "\xEF\xBB\xBFpath,label\r\n# c\r\n\"a,\"\"b.jpg\",cat\r\nb.jpg , dog\r\n\r\nc "
      "d.jpg,\"x\"\r\n";
  const auto check = [](const std::string& text) {
    try {
      parse_file_list(text, "l.csv")->key(0);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
      EXPECT_THAT(error.what(), ::testing::StartsWith("l.csv"));
    }
  };
  for (std::size_t length = 0; length <= whole.size(); ++length) check(whole.substr(0, length));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char c : {',', '"', '\n', '\r', '\t', ' ', '#', '\0', '\xFF'}) {
      std::string text = whole;
      text[at] = c;
      check(text);
    }
  }
}

}  // namespace
}  // namespace headrace
