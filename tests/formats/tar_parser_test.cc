#include "headrace/formats/tar_parser.h"

#include <gmock/gmock.h>

#include "errors.h"
#include "tar_fixtures.h"

namespace headrace {
namespace {

using test::error_of;
using test::pax_record;
using test::tar_end;
using test::tar_member;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<TarMember> members_of(const std::string& archive) {
  const MemorySource source(std::as_bytes(std::span(archive)));
  const std::string name = "a.tar";
  TarParser parser(source, name);
  std::vector<TarMember> members;
  while (auto member = parser.next()) members.push_back(*member);
  return members;
}

std::vector<std::string> names_of(const std::string& archive) {
  std::vector<std::string> names;
  for (const TarMember& member : members_of(archive)) names.push_back(member.name);
  return names;
}

std::string refusal(const std::string& archive, ErrorCode code = ErrorCode::corrupt_data) {
  return error_of(code, [&] { members_of(archive); });
}

TEST(TarParser, FindsFilesAndWhereTheirBytesLie) {
  const std::string archive = tar_member("a/1.jpg", "first") + tar_member("b.cls", "") +
                              tar_member("c", std::string(512, 'c')) + tar_end;
  const auto members = members_of(archive);
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "a/1.jpg");
  EXPECT_EQ(archive.substr(members[0].offset, members[0].size), "first");
  EXPECT_EQ(members[0].head[4], std::byte{'t'});
  EXPECT_EQ(members[0].head[5], std::byte{0});
  EXPECT_EQ(members[1].size, 0U);
  EXPECT_EQ(archive.substr(members[2].offset, members[2].size), std::string(512, 'c'));
}

TEST(TarParser, PutsLongNamesTogether) {
  const std::string dir(150, 'd');
  const std::string base(90, 'b');
  const std::string name = dir + "/" + base + ".jpg";
  EXPECT_THAT(names_of(tar_member(base + ".jpg", "x", {.prefix = dir}) + tar_end),
              ElementsAre(name));
  EXPECT_THAT(names_of(tar_member("././@LongLink", name + '\0', {.type = 'L', .gnu = true}) +
                       tar_member("cut", "x", {.gnu = true}) + tar_member("next", "y") + tar_end),
              ElementsAre(name, "next"));
  EXPECT_THAT(names_of(tar_member("pax", pax_record("mtime", "1.5") + pax_record("path", name),
                                  {.type = 'x'}) +
                       tar_member("cut", "x") + tar_member("next", "y") + tar_end),
              ElementsAre(name, "next"));
}

TEST(TarParser, TakesSizesFromPaxHeadersAndInBinary) {
  const std::string pax = tar_member("pax", pax_record("size", "3"), {.type = 'x'});
  const auto members = members_of(pax + tar_member("a", "abc") +
                                  tar_member("b", "four", {.binary_size = true}) + tar_end);
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].size, 3U);
  EXPECT_EQ(members[1].size, 4U);
}

TEST(TarParser, PassesOverWhatIsNoFile) {
  EXPECT_THAT(
      names_of(tar_member("g", pax_record("comment", "x"), {.type = 'g'}) +
               tar_member("folder/", "", {.type = '5'}) + tar_member("link", "", {.type = '2'}) +
               tar_member("./a.jpg", "x") + tar_end),
      ElementsAre("a.jpg"));
}

TEST(TarParser, RefusesNamesThatLeadOut) {
  for (const char* name : {"../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "..", "a/.."}) {
    EXPECT_THAT(refusal(tar_member(name, "x") + tar_end), HasSubstr("leads out")) << name;
  }
  EXPECT_THAT(refusal(tar_member("a\nb.jpg", "x") + tar_end), HasSubstr("control characters"));
  EXPECT_THAT(refusal(tar_member("p", pax_record("path", "../x"), {.type = 'x'}) +
                      tar_member("a", "x") + tar_end),
              HasSubstr("leads out"));
}

TEST(TarParser, NamesThePlaceOfDamage) {
  std::string archive = tar_member("a", "x") + tar_member("b", "y") + tar_end;
  archive[1024 + 10] = 'z';
  EXPECT_THAT(refusal(archive), HasSubstr("a.tar at byte 1024: the checksum"));
  EXPECT_THAT(refusal("no archive" + std::string(1000, 'x')), HasSubstr("no header of a tar"));
  EXPECT_THAT(refusal("\x1F\x8B" + std::string(1000, 'x'), ErrorCode::unsupported),
              HasSubstr("compressed by gzip"));
  EXPECT_THAT(
      refusal(tar_member("a", "x", {.type = 'S', .gnu = true}) + tar_end, ErrorCode::unsupported),
      HasSubstr("sparse"));
  EXPECT_THAT(refusal(tar_member("a", "x") + tar_end + tar_member("b", "y") + tar_end),
              HasSubstr("bytes follow the end mark"));
}

TEST(TarParser, RefusesDamagedPaxHeaders) {
  for (const char* records : {"5 a=b\n", "99 path=x\n", "x", "6 abc\n", "7 a=bc", "0 a=b\n",
                              "10 size=q\n", "99999999999999999999 a=b\n"}) {
    EXPECT_THAT(refusal(tar_member("p", records, {.type = 'x'}) + tar_member("a", "x") + tar_end),
                HasSubstr("damaged pax header"))
        << records;
  }
}

TEST(TarParser, RefusesSizesBeyondTheEndWithoutTakingMemory) {
  std::string member = tar_member("a", "x");
  member.replace(124, 11, "77777777777");
  std::size_t sum = 0;
  member.replace(148, 8, "        ");
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(member[i]);
  member.replace(148, 8, test::octal(sum, 6) + '\0' + ' ');
  EXPECT_THAT(refusal(member + tar_end), HasSubstr("it was cut short"));
  member[156] = 'x';
  member.replace(148, 8, "        ");
  sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(member[i]);
  member.replace(148, 8, test::octal(sum, 6) + '\0' + ' ');
  EXPECT_THAT(refusal(member + tar_end), HasSubstr("a name or pax header of"));
}

TEST(TarParser, FindsOutThatAnArchiveWasCutAtAnyByte) {
  const std::string archive = tar_member("a.jpg", "first") + tar_member("a.cls", "7");
  const std::string whole = archive + tar_end;
  // One block of zeros is the end mark; what is cut behind it says nothing.
  for (std::size_t size = 0; size < archive.size() + 512; ++size) {
    EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("a.tar at byte ")) << size;
  }
  for (std::size_t size = archive.size() + 512; size <= whole.size(); ++size) {
    EXPECT_EQ(members_of(whole.substr(0, size)).size(), 2U) << size;
  }
}

}  // namespace
}  // namespace headrace
