#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headrace::cli {

// What a call of the program came to.
struct Outcome {
  int status = 0;
  std::string output;
  std::string errors;
};

// Runs the program that was built, as a user would call it.
Outcome headrace(std::vector<std::string> arguments);
// Runs a bash script in which "$headrace" is the program.
Outcome bash(const std::string& script);

std::string read_file(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);
std::size_t count_lines(const std::string& text);

// A pair of IDX files: grey images of two classes, a bright bar that lies or stands, with noise.
// `folder`/NAME-images-idx3-ubyte and `folder`/NAME-labels-idx1-ubyte.
std::filesystem::path write_idx(const std::filesystem::path& folder, const std::string& name,
                                int images, int height = 8, int width = 8);

// A test with a folder of its own, gone with it.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest();
  ~ProgramTest() override;

  // Images as files and lists train.csv (200 of them) and test.csv (60) in folder().
  void export_images();
  // Trains on them for so many epochs into folder()/NAME, with `more` options.
  Outcome train(const std::string& name, int epochs, const std::vector<std::string>& more = {});

  const std::filesystem::path& folder() const { return folder_; }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace headrace::cli
