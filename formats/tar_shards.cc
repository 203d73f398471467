#include "headrace/formats/tar_shards.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "headrace/formats/archive_file.h"
#include "headrace/formats/directory.h"
#include "headrace/formats/file_reader.h"
#include "headrace/formats/json_value.h"
#include "headrace/formats/label_names.h"
#include "headrace/formats/shard_names.h"
#include "headrace/formats/tar_index.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/hand_over.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

// More shards than this are opened for each reading.
constexpr std::size_t most_kept_open = 256;

constexpr std::string_view index_suffix = ".headrace-index";

// What is taken of each sample; "" leaves it to what there is.
struct Choice {
  std::string image;
  std::string label;
  std::string json_path;  // of the label
};

struct Row {
  std::uint64_t offset = 0;  // of the image in its shard
  std::uint64_t key = 0;     // where its name begins in the text of keys; a NUL ends it
  std::uint32_t size = 0;
  std::uint32_t shard = 0;
  std::int32_t label = -1;
};

struct Shard {
  std::unique_ptr<const ArchiveFile> file;
  TarIndex index;
};

struct Table {
  std::string name;
  std::vector<std::unique_ptr<const ArchiveFile>> files;
  std::vector<Row> rows;
  std::string keys;
  std::vector<std::string> classes;
  bool labelled = false;
};

class TarShards final : public Dataset {
 public:
  explicit TarShards(Table table) : table_(std::move(table)) {
    info_.name = table_.name;
    info_.fields.push_back({"image", FieldKind::encoded_image, ElementType::u8, {}});
    if (table_.labelled) {
      info_.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
      info_.classes = std::move(table_.classes);
    }
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(table_.rows.size()); }
  const DatasetInfo& info() const override { return info_; }
  std::int64_t label(std::int64_t index) const override { return row(index).label; }

  void read(std::int64_t index, Record& into) const override {
    const Row& row = this->row(index);
    if (row.size == 0) {
      throw Error(ErrorCode::corrupt_data, "the sample has no image, or an empty one");
    }
    file_of(row).read(row.offset, prepare(row, into));
  }
  bool try_read(std::int64_t index, Record& into) const override {
    const Row& row = this->row(index);
    return row.size != 0 && file_of(row).try_read(row.offset, prepare(row, into));
  }
  std::size_t will_need(std::int64_t index) const override {
    const Row& row = this->row(index);
    return file_of(row).will_need(row.offset, row.size);
  }
  std::string key(std::int64_t index) const override {
    const Row& row = this->row(index);
    return file_of(row).path().string() + ": " + name_of(row);
  }
  std::uint64_t fingerprint() const override {
    // Names, labels and sizes: a data set that was moved, or cut into other shards, is the same.
    std::call_once(fingerprint_once_, [this] {
      Fingerprint hash;
      for (const std::string& name : info_.classes) hash.add(name);
      for (const Row& row : table_.rows) {
        hash.add(std::string_view(name_of(row))).add(row.label).add(row.size);
      }
      fingerprint_ = hash.value();
    });
    return fingerprint_;
  }

  std::optional<std::uint64_t> content_fingerprint() const override {
    Fingerprint hash;
    hash.add(fingerprint());
    const FileReader reader;
    for (const auto& file : table_.files) hash.add(reader.stamp(file->path().c_str()));
    return hash.value();
  }

 private:
  const Row& row(std::int64_t index) const { return table_.rows[static_cast<std::size_t>(index)]; }
  const ArchiveFile& file_of(const Row& row) const { return *table_.files[row.shard]; }
  const char* name_of(const Row& row) const { return table_.keys.data() + row.key; }

  std::span<std::byte> prepare(const Row& row, Record& into) const {
    into.values.resize(info_.fields.size());
    RecordValue& image = into.values[0];
    if (image.buffer.size() < row.size) image.buffer.resize(row.size);
    image.bytes = std::span<const std::byte>(image.buffer).first(row.size);
    if (table_.labelled) into.values[1].set_scalar(row.label);
    return std::span(image.buffer).first(row.size);
  }

  Table table_;
  DatasetInfo info_;
  mutable std::once_flag fingerprint_once_;
  mutable std::uint64_t fingerprint_ = 0;
};

std::optional<TarIndex> stored_index(const fs::path& path, const TarVersion& version) {
  std::error_code none;
  if (!fs::exists(path, none)) return {};
  try {
    std::vector<std::byte> buffer;
    return decode_tar_index(FileReader().read(path.c_str(), buffer), version);
  } catch (const Error&) {
    return {};  // it is made anew
  }
}

Shard open_shard(const fs::path& path, bool keep_open) {
  Shard shard{std::make_unique<ArchiveFile>(path, keep_open), {}};
  const TarVersion version{shard.file->size(), shard.file->modified()};
  fs::path index_path = path;
  index_path += index_suffix;
  if (auto index = stored_index(index_path, version)) {
    shard.index = std::move(*index);
    return shard;
  }
  shard.index = make_tar_index(*shard.file, path.string());
  try {
    AtomicFile file(index_path);
    file.write(encode_tar_index(shard.index, version));
    file.commit(AtomicFile::Durability::buffered);
  } catch (const Error&) {
    // A folder that is not ours to write to: the index is made again next time.
  }
  return shard;
}

std::vector<Shard> open_shards(const std::vector<fs::path>& paths) {
  std::vector<Shard> shards(paths.size());
  std::vector<std::exception_ptr> errors(paths.size());
  HandOver hand_over;
  const auto task = hand_over.task([&](std::size_t i) {
    try {
      shards[i] = open_shard(paths[i], paths.size() <= most_kept_open);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  });
  tbb::parallel_for(std::size_t{0}, paths.size(), task);
  hand_over.take_back();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return shards;
}

// Makes the table of a data set from the indices of its shards.
class TableMaker {
 public:
  TableMaker(std::string name, std::vector<Shard> shards, Choice choice)
      : shards_(std::move(shards)), choice_(std::move(choice)) {
    table_.name = std::move(name);
  }

  Table run(const std::vector<std::string>& expected_classes) && {
    if (choice_.label.empty()) choose_label();
    table_.labelled = !choice_.label.empty();
    for (std::size_t i = 0; i < shards_.size(); ++i) add_shard(static_cast<std::uint32_t>(i));
    check_rows();
    if (table_.labelled) resolve_labels(expected_classes);
    for (Shard& shard : shards_) table_.files.push_back(std::move(shard.file));
    return std::move(table_);
  }

 private:
  using Member = TarIndex::Member;

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::corrupt_data, table_.name + ": " + what);
  }

  // Which field all labels are taken from.
  void choose_label() {
    bool any_cls = false;
    bool any_json = false;
    bool any_txt = false;
    bool txt_are_numbers = true;
    for (const Shard& shard : shards_) {
      for (const Member& member : shard.index.members) {
        const std::string& extension = shard.index.extensions[member.extension];
        const bool has_label = (member.flags & TarIndex::has_label) != 0;
        any_cls |= extension == "cls";
        any_json |= extension == "json" && has_label;
        if (extension != "txt") continue;
        any_txt = true;
        txt_are_numbers &= has_label && is_whole_number(shard.index.at(member.label));
      }
    }
    if (any_cls) {
      choice_.label = "cls";
    } else if (any_json) {
      choice_.label = "json";
    } else if (any_txt && txt_are_numbers) {
      choice_.label = "txt";
    }
  }

  static const Member* find(const Shard& shard, const TarIndex::Sample& sample,
                            std::string_view extension) {
    for (const Member& member : shard.index.of(sample)) {
      if (shard.index.extensions[member.extension] == extension) return &member;
    }
    return nullptr;
  }

  const Member* image_of(const Shard& shard, const TarIndex::Sample& sample) const {
    if (!choice_.image.empty()) return find(shard, sample, choice_.image);
    const Member* by_name = nullptr;
    const Member* by_bytes = nullptr;
    for (const Member& member : shard.index.of(sample)) {
      const std::string& extension = shard.index.extensions[member.extension];
      if ((member.flags & TarIndex::is_image) != 0) {
        if (by_bytes != nullptr) {
          const std::string& other = shard.index.extensions[by_bytes->extension];
          throw Error(ErrorCode::invalid_argument,
                      table_.name + ": sample " + std::string(shard.index.at(sample.key)) +
                          " has two images, " + other + " and " + extension +
                          "; say which is meant, as in " + table_.name + "#" + other);
        }
        by_bytes = &member;
      } else if (by_name == nullptr && has_image_suffix("." + extension)) {
        by_name = &member;
      }
    }
    return by_bytes != nullptr ? by_bytes : by_name;
  }

  void add_shard(std::uint32_t number) {
    const Shard& shard = shards_[number];
    for (const TarIndex::Sample& sample : shard.index.samples) {
      const Member* image = image_of(shard, sample);
      Row row;
      row.shard = number;
      row.key = table_.keys.size();
      table_.keys += shard.index.at(sample.key);
      if (image != nullptr) {
        if (image->size > std::numeric_limits<std::uint32_t>::max()) {
          throw Error(ErrorCode::unsupported, shard.file->path().string() + ": " +
                                                  std::string(shard.index.at(sample.key)) +
                                                  ": an image of more than 4 GB");
        }
        row.offset = image->offset;
        row.size = static_cast<std::uint32_t>(image->size);
        table_.keys += "." + shard.index.extensions[image->extension];
        any_image_ = true;
      }
      table_.keys += '\0';
      if (table_.labelled) row.label = intern_label(shard, sample);
      table_.rows.push_back(row);
    }
  }

  std::int32_t intern_label(const Shard& shard, const TarIndex::Sample& sample) {
    const Member* member = find(shard, sample, choice_.label);
    const auto where = [&] {
      return shard.file->path().string() + ": " + std::string(shard.index.at(sample.key)) + ": ";
    };
    if (member == nullptr) {
      throw Error(ErrorCode::corrupt_data,
                  where() + "there is no label, ." + choice_.label + ", as other samples have it");
    }
    const auto line = static_cast<std::uint32_t>(table_.rows.size());
    if (choice_.json_path.empty() && (member->flags & TarIndex::has_label) != 0) {
      return labels_.intern(shard.index.at(member->label), line);
    }
    constexpr std::uint64_t longest = std::uint64_t{1} << 20;
    if (member->size <= longest) {
      std::string text(static_cast<std::size_t>(member->size), '\0');
      shard.file->read(member->offset, std::as_writable_bytes(std::span(text)));
      if (!choice_.json_path.empty()) {
        if (const auto label = json_scalar_at(text, choice_.json_path)) {
          return labels_.intern(*texts_.emplace(texts_.end(), *label), line);
        }
      }
    }
    throw Error(ErrorCode::corrupt_data,
                where() + "." + choice_.label + " holds no label" +
                    (choice_.json_path.empty() ? "" : " at '" + choice_.json_path + "'") +
                    "; a label is a class number or a name of at most 256 bytes");
  }

  void check_rows() const {
    if (table_.rows.empty()) refuse("holds no samples: files called KEY.FIELD, as in 0001.jpg");
    if (any_image_) return;
    std::string known;
    for (const std::string& extension : shards_[0].index.extensions) known += " " + extension;
    refuse((choice_.image.empty() ? "there are no images" : "there is no field " + choice_.image) +
           "; the fields are:" + known);
  }

  void resolve_labels(const std::vector<std::string>& expected) {
    const auto where = [this](std::uint32_t sample) {
      const Row& row = table_.rows[sample];
      return shards_[row.shard].file->path().string() + ": " + (table_.keys.data() + row.key);
    };
    LabelNames::Classes classes = labels_.resolve(where, expected);
    for (Row& row : table_.rows) row.label = classes.of_number[static_cast<std::size_t>(row.label)];
    table_.classes = std::move(classes.names);
  }

  std::vector<Shard> shards_;
  Choice choice_;
  Table table_;
  LabelNames labels_;
  std::deque<std::string> texts_;  // of labels that stand in no index
  bool any_image_ = false;
};

// "a.tar#jpg,json:class" -> "a.tar", and the rest into `choice`.
std::string_view take_choice(std::string_view location, Choice& choice) {
  const std::size_t hash = location.rfind('#');
  std::error_code none;
  if (hash == std::string_view::npos || location.find('/', hash) != std::string_view::npos ||
      fs::exists(fs::path(location), none)) {
    return location;
  }
  const std::string_view fields = location.substr(hash + 1);
  const std::size_t comma = std::min(fields.find(','), fields.size());
  choice.image = fields.substr(0, comma);
  if (comma < fields.size()) {
    const std::string_view label = fields.substr(comma + 1);
    const std::size_t colon = std::min(label.find(':'), label.size());
    choice.label = label.substr(0, colon);
    if (colon < label.size()) choice.json_path = label.substr(colon + 1);
  }
  return location.substr(0, hash);
}

}  // namespace

std::shared_ptr<const Dataset> open_tar_shards(std::string_view location,
                                               const DataOptions& options) {
  Choice choice;
  const std::string_view pattern = take_choice(location, choice);
  TableMaker maker(std::string(pattern), open_shards(expand_shards(pattern)), std::move(choice));
  return std::make_shared<TarShards>(std::move(maker).run(options.classes));
}

}  // namespace headrace
