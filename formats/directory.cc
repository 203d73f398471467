#include "headrace/formats/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/image_files.h"
#include "headrace/formats/label_names.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

struct Entry {
  std::string name;
  bool is_folder = false;
};

// What a folder holds, sorted by name: folders and images; hidden ones and others left out.
std::vector<Entry> list_folder(const std::string& folder) {
  const std::unique_ptr<DIR, CloseFolder> stream(::opendir(folder.c_str()));
  if (!stream) throw io_error("cannot open folder " + folder, errno);
  std::vector<Entry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(stream.get());
    if (!found) break;
    if (found->d_name[0] == '.') continue;
    Entry entry{found->d_name, found->d_type == DT_DIR};
    if (found->d_type == DT_LNK || found->d_type == DT_UNKNOWN) {
      struct stat status {};
      // A link that leads nowhere counts as a file: reading it says what is wrong.
      entry.is_folder = ::fstatat(::dirfd(stream.get()), found->d_name, &status, 0) == 0 &&
                        S_ISDIR(status.st_mode);
    }
    if (entry.is_folder || has_image_suffix(entry.name)) entries.push_back(std::move(entry));
  }
  if (errno != 0) throw io_error("cannot read folder " + folder, errno);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

class FolderScan {
 public:
  explicit FolderScan(const std::filesystem::path& folder) : root_(folder.string()) {
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
  }

  ImageFileTable run(const std::vector<std::string>& expected_classes) &&;

 private:
  void add_image(const std::string& path, std::int32_t label);
  void add_class(const std::string& name, std::int32_t label);
  void add_below(const std::string& path, std::int32_t label,
                 std::set<std::pair<dev_t, ino_t>>& seen);

  std::string root_;
  ImageFileTable table_;
};

void FolderScan::add_image(const std::string& path, std::int32_t label) {
  ImageFileRow row;
  row.offset = table_.text.size();
  row.length = static_cast<std::uint32_t>(path.size());
  row.label = label;
  const auto bytes = std::as_bytes(std::span(path.c_str(), path.size() + 1));
  table_.text.insert(table_.text.end(), bytes.begin(), bytes.end());
  table_.rows.push_back(row);
}

void FolderScan::add_below(const std::string& path, std::int32_t label,
                           std::set<std::pair<dev_t, ino_t>>& seen) {
  const std::string folder = root_ + "/" + path;
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw io_error("cannot open folder " + folder, errno);
  if (!seen.emplace(status.st_dev, status.st_ino).second) return;  // links may make loops
  for (const Entry& entry : list_folder(folder)) {
    const std::string inner = path + "/" + entry.name;
    if (entry.is_folder) {
      add_below(inner, label, seen);
    } else {
      add_image(inner, label);
    }
  }
}

void FolderScan::add_class(const std::string& name, std::int32_t label) {
  const std::size_t before = table_.rows.size();
  std::set<std::pair<dev_t, ino_t>> seen;
  add_below(name, label, seen);
  if (table_.rows.size() == before) {
    throw Error(ErrorCode::corrupt_data, root_ + "/" + name +
                                             " holds no images; add some, or remove the folder "
                                             "(every folder is a class)");
  }
}

ImageFileTable FolderScan::run(const std::vector<std::string>& expected_classes) && {
  const std::vector<Entry> entries = list_folder(root_);
  const auto image = std::find_if(entries.begin(), entries.end(),
                                  [](const Entry& entry) { return !entry.is_folder; });
  for (const Entry& entry : entries) {
    if (entry.is_folder) table_.classes.push_back(entry.name);
  }
  table_.labelled = !table_.classes.empty();
  if (entries.empty()) {
    throw Error(ErrorCode::corrupt_data,
                root_ +
                    " holds neither folders nor images; give a folder with a folder of images "
                    "for each class");
  }
  if (!table_.labelled) {
    for (const Entry& entry : entries) add_image(entry.name, -1);
    return std::move(table_);
  }
  if (image != entries.end()) {
    throw Error(ErrorCode::corrupt_data,
                root_ + "/" + image->name + " lies beside class folders; move it into one of them");
  }
  for (std::size_t i = 0; i < table_.classes.size(); ++i) {
    const std::string& name = table_.classes[i];
    auto label = static_cast<std::int32_t>(i);
    if (!expected_classes.empty()) label = class_index(name, expected_classes);
    if (label < 0) {
      throw Error(ErrorCode::corrupt_data, root_ + "/" + name + ": the folder is not one of the " +
                                               std::to_string(expected_classes.size()) +
                                               " classes" + list_classes(expected_classes));
    }
    add_class(name, label);
  }
  if (!expected_classes.empty()) table_.classes = expected_classes;
  return std::move(table_);
}

}  // namespace

bool has_image_suffix(std::string_view path) {
  constexpr std::array<std::string_view, 10> suffixes = {"jpg", "jpeg", "png", "bmp", "webp",
                                                         "tif", "tiff", "ppm", "pgm", "gif"};
  const std::size_t dot = path.find_last_of("./");
  if (dot == std::string_view::npos || path[dot] != '.') return false;
  const std::string_view suffix = path.substr(dot + 1);
  return std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view known) {
    return std::equal(known.begin(), known.end(), suffix.begin(), suffix.end(), [](char a, char b) {
      return a == std::tolower(static_cast<unsigned char>(b));
    });
  });
}

std::shared_ptr<const Dataset> open_directory(const std::filesystem::path& folder,
                                              const DataOptions& options) {
  return std::make_shared<ImageFiles>(folder.string(), folder,
                                      FolderScan(folder).run(options.classes));
}

}  // namespace headrace
