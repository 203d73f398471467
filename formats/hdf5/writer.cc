// Of the plugin headrace_hdf5: files that are written.

#include <algorithm>
#include <array>
#include <optional>

#include "headrace/formats/hdf5/interface.h"
#include "headrace/formats/hdf5/library.h"

namespace headrace::hdf5 {
namespace {

// Images are written in chunks of at least so many bytes, and of whole images: these can be read
// without the library.
constexpr std::size_t least_chunk_bytes = 65'536;
constexpr hsize_t files_in_chunk = 1024;  // of references to them
constexpr hsize_t most_rows_at_once = 4096;

class WrittenFile final : public NewFile {
 public:
  // Requires the library's lock to be held.
  explicit WrittenFile(const char* path) {
    file_.emplace(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose,
                  "cannot be made");
  }
  ~WrittenFile() override {
    const std::scoped_lock lock(library());
    images_.reset();
    type_.reset();
    file_.reset();
  }

  void begin_images(const std::string& path, const std::vector<std::int64_t>& shape,
                    bool reals) override {
    const std::scoped_lock lock(library());
    path_ = path;
    image_.assign(shape.begin(), shape.end());
    files_ = shape.empty();
    if (files_) {
      type_.emplace(H5Tvlen_create(H5T_STD_U8LE), H5Tclose, path);
    } else {
      type_.emplace(H5Tcopy(reals ? H5T_IEEE_F32LE : H5T_STD_U8LE), H5Tclose, path);
    }
    std::size_t bytes = H5Tget_size(*type_);
    for (const hsize_t extent : image_) bytes *= static_cast<std::size_t>(extent);
    std::vector<hsize_t> chunk = with_rows(
        files_ ? files_in_chunk
               : std::max<hsize_t>(1, least_chunk_bytes / std::max<std::size_t>(1, bytes)));
    const Id how = plain_array(path);
    checked(H5Pset_chunk(how, static_cast<int>(chunk.size()), chunk.data()), path);
    const std::vector<hsize_t> now = with_rows(0), most = with_rows(H5S_UNLIMITED);
    const Id space(H5Screate_simple(static_cast<int>(now.size()), now.data(), most.data()),
                   H5Sclose, path);
    images_.emplace(H5Dcreate2(*file_, path.c_str(), *type_, space, H5P_DEFAULT, how, H5P_DEFAULT),
                    H5Dclose, path);
  }

  void append_image(std::span<const std::byte> bytes) override {
    const std::scoped_lock lock(library());
    if (rows_ == room_) set_rows(room_ += std::clamp<hsize_t>(room_, 64, most_rows_at_once));
    const Id space(H5Dget_space(*images_), H5Sclose, path_);
    std::vector<hsize_t> first(image_.size() + 1, 0);
    first[0] = rows_;
    const std::vector<hsize_t> count = with_rows(1);
    checked(
        H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
        path_);
    const Id memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                    H5Sclose, path_);
    // The library does not write to what it is given.
    const hvl_t value{bytes.size(), const_cast<std::byte*>(bytes.data())};
    const void* const from = files_ ? static_cast<const void*>(&value) : bytes.data();
    checked(H5Dwrite(*images_, *type_, memory, space, H5P_DEFAULT, from), path_);
    ++rows_;
  }

  void write(const std::string& path, const std::vector<std::int64_t>& values) override {
    const std::scoped_lock lock(library());
    write_array(path, H5T_STD_I64LE, H5T_NATIVE_INT64, {values.size()}, values.data());
  }
  void write(const std::string& path, const std::vector<float>& values,
             std::int64_t columns) override {
    const std::scoped_lock lock(library());
    const auto width = static_cast<hsize_t>(columns);
    write_array(path, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {values.size() / width, width},
                values.data());
  }
  void write(const std::string& path, const std::vector<std::string>& values) override {
    const std::scoped_lock lock(library());
    const Id text(H5Tcopy(H5T_C_S1), H5Tclose, path);
    checked(H5Tset_size(text, H5T_VARIABLE), path);
    checked(H5Tset_cset(text, H5T_CSET_UTF8), path);
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    write_array(path, text, text, {pointers.size()}, pointers.data());
  }

  void close() override {
    const std::scoped_lock lock(library());
    if (images_) set_rows(rows_);
    images_.reset();
    type_.reset();
    checked(H5Fflush(*file_, H5F_SCOPE_GLOBAL), "cannot be written");
    file_.reset();
  }

 private:
  // The same data give the same file.
  static Id plain_array(const std::string& path) {
    Id how(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path);
    checked(H5Pset_obj_track_times(how, false), path);
    return how;
  }

  std::vector<hsize_t> with_rows(hsize_t rows) const {
    std::vector<hsize_t> extents{rows};
    extents.insert(extents.end(), image_.begin(), image_.end());
    return extents;
  }

  void set_rows(hsize_t rows) { checked(H5Dset_extent(*images_, with_rows(rows).data()), path_); }

  void write_array(const std::string& path, hid_t stored, hid_t given,
                   const std::vector<hsize_t>& extents, const void* values) {
    const Id space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                   H5Sclose, path);
    const Id how = plain_array(path);
    const Id array(H5Dcreate2(*file_, path.c_str(), stored, space, H5P_DEFAULT, how, H5P_DEFAULT),
                   H5Dclose, path);
    checked(H5Dwrite(array, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), path);
  }

  std::optional<Id> file_;
  std::optional<Id> type_;
  std::optional<Id> images_;
  std::string path_;
  std::vector<hsize_t> image_;  // the extents of one
  bool files_ = false;
  hsize_t rows_ = 0;
  hsize_t room_ = 0;
};

}  // namespace
}  // namespace headrace::hdf5

HEADRACE_PLUGIN_EXPORT headrace::hdf5::NewFile* headrace_hdf5_create(const char* path) {
  const std::scoped_lock lock(headrace::hdf5::library());
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return new headrace::hdf5::WrittenFile(path);
}
