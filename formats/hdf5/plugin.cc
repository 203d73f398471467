// The plugin headrace_hdf5: arrays of HDF5 files, by its C library.

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/formats/hdf5/interface.h"
#include "headrace/formats/hdf5/library.h"

namespace headrace::hdf5 {
namespace {

// Arrays of more values than this are no labels; one value of more bytes is no image.
constexpr std::uint64_t most_values = std::uint64_t{1} << 31;
constexpr std::size_t most_value_bytes = std::size_t{1} << 30;
constexpr std::size_t most_arrays = 10'000;
// Rows of compressed chunks are decoded with all of their chunk: a few chunks stay.
constexpr std::size_t cached_chunks = 8;
constexpr std::size_t most_cache_bytes = std::size_t{256} << 20;

std::vector<std::int64_t> shape_of(hid_t array, const std::string& path) {
  const Id space(H5Dget_space(array), H5Sclose, path);
  if (H5Sget_simple_extent_type(space) != H5S_SIMPLE) return {};
  std::array<hsize_t, H5S_MAX_RANK> extents{};
  const int rank = H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  std::vector<std::int64_t> shape;
  for (int i = 0; i < rank; ++i) {
    const hsize_t extent = extents[static_cast<std::size_t>(i)];
    if (extent > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max())) {
      fail(path + " has an extent that cannot be");
    }
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  return shape;
}

Element element_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return Element::integers;
    case H5T_FLOAT: return Element::reals;
    case H5T_STRING: return Element::texts;
    case H5T_VLEN: {
      const Id base(H5Tget_super(type), H5Tclose, "type");
      return H5Tget_size(base) == 1 && H5Tget_class(base) == H5T_INTEGER ? Element::bytes
                                                                         : Element::other;
    }
    default: return Element::other;
  }
}

std::string name_of(H5T_class_t kind) {
  switch (kind) {
    case H5T_COMPOUND: return "HDF5 compound";
    case H5T_ENUM: return "HDF5 enumeration";
    case H5T_OPAQUE: return "HDF5 opaque";
    case H5T_REFERENCE: return "HDF5 reference";
    case H5T_VLEN: return "HDF5 variable-length, but not of bytes";
    default: return "HDF5 type of class " + std::to_string(static_cast<int>(kind));
  }
}

bool is_native(hid_t type) {
  for (const hid_t native : {H5T_NATIVE_UINT8, H5T_NATIVE_INT8, H5T_NATIVE_FLOAT}) {
    if (H5Tequal(type, native) > 0) return true;
  }
  return false;
}

Array describe(hid_t array, const std::string& path) {
  Array described;
  described.path = path;
  described.shape = shape_of(array, path);
  const Id type(H5Dget_type(array), H5Tclose, path);
  described.element = element_of(type);
  described.element_bytes = H5Tget_size(type);
  described.is_signed = described.element == Element::integers && H5Tget_sign(type) == H5T_SGN_2;
  described.is_native = is_native(type);
  described.type = name_of(H5Tget_class(type));
  const Id how(H5Dget_create_plist(array), H5Pclose, path);
  described.is_elsewhere = H5Pget_layout(how) == H5D_VIRTUAL || H5Pget_external_count(how) > 0;
  return described;
}

std::uint64_t values_of(const Array& array) {
  std::uint64_t values = 1;
  for (const std::int64_t extent : array.shape) {
    const auto count = static_cast<std::uint64_t>(extent);
    if (count != 0 && values > most_values / count) {
      fail(array.path + " has more than 2^31 values: too many for labels");
    }
    values *= count;
  }
  return values;
}

// So many texts, of variable or of fixed length, as `read` puts them into memory.
template <class Read>
std::vector<std::string> texts_of(hid_t type, hid_t space, std::size_t count,
                                  const std::string& what, Read read) {
  std::vector<std::string> texts(count);
  if (texts.empty()) return texts;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> values(count);
    if (read(values.data()) < 0) fail(what + ": " + last_error());
    for (std::size_t i = 0; i < count; ++i) {
      if (values[i] != nullptr) texts[i] = values[i];
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, values.data());
    return texts;
  }
  const std::size_t width = H5Tget_size(type);
  if (width == 0 || count > most_values / width) fail(what + " is too large");
  std::vector<char> values(count * width);
  if (read(values.data()) < 0) fail(what + ": " + last_error());
  const char padding = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : '\0';
  for (std::size_t i = 0; i < count; ++i) {
    const char* const begin = values.data() + i * width;
    const char* end = std::find(begin, begin + width, '\0');
    while (end > begin && *(end - 1) == padding) --end;
    texts[i].assign(begin, end);
  }
  return texts;
}

class OpenFile final : public File {
 public:
  // Requires the library's lock to be held.
  OpenFile(const char* path, hid_t access) {
    file_.emplace(H5Fopen(path, H5F_ACC_RDONLY, access), H5Fclose, "no sound HDF5 file");
    std::vector<std::string> paths;
    const auto note = [](hid_t, const char* name, const H5O_info_t* info, void* to) -> herr_t {
      auto& found = *static_cast<std::vector<std::string>*>(to);
      if (info->type == H5O_TYPE_DATASET) found.emplace_back(name);
      return found.size() > most_arrays ? 1 : 0;
    };
    checked(H5Ovisit2(*file_, H5_INDEX_NAME, H5_ITER_INC, note, &paths, H5O_INFO_BASIC),
            "damaged HDF5 file");
    if (paths.size() > most_arrays) fail("more than 10,000 arrays are in it");
    for (const std::string& name : paths) {
      ids_.push_back(open(name));
      arrays_.push_back(describe(ids_.back(), name));
      arrays_.back().number = arrays_.size() - 1;
    }
  }
  ~OpenFile() override {
    const std::scoped_lock lock(library());
    ids_.clear();
    file_.reset();
  }

  const std::vector<Array>& arrays() const override { return arrays_; }

  Place place_of(const Array& array) const override {
    const std::scoped_lock lock(library());
    const hid_t id = id_of(array);
    if (!is_plain_file()) return {};
    if (array.element == Element::bytes && !has_wide_references()) return {};
    const Id how(H5Dget_create_plist(id), H5Pclose, array.path);
    if (H5Pget_external_count(how) != 0 || H5Pget_nfilters(how) != 0) return {};
    switch (H5Pget_layout(how)) {
      case H5D_CONTIGUOUS: {
        const haddr_t offset = H5Dget_offset(id);
        if (offset == HADDR_UNDEF) return {};
        return {array.shape.at(0), {offset}};
      }
      case H5D_CHUNKED: return place_of_chunks(id, how, array);
      default: return {};
    }
  }

  std::vector<std::int64_t> integers(const Array& array) const override {
    return read_all<std::int64_t>(array, H5T_NATIVE_INT64);
  }
  std::vector<float> reals(const Array& array) const override {
    return read_all<float>(array, H5T_NATIVE_FLOAT);
  }

  std::vector<std::string> texts(const Array& array) const override {
    const std::scoped_lock lock(library());
    const hid_t id = id_of(array);
    const Id type(H5Dget_type(id), H5Tclose, array.path);
    const Id space(H5Dget_space(id), H5Sclose, array.path);
    return texts_of(type, space, values_of(array), array.path, [&](void* into) {
      return H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into);
    });
  }

  std::vector<std::string> attribute(const std::string& path,
                                     const std::string& name) const override {
    const std::scoped_lock lock(library());
    const char* const object = path.empty() ? "/" : path.c_str();
    const htri_t is_there = H5Aexists_by_name(*file_, object, name.c_str(), H5P_DEFAULT);
    H5Eclear2(H5E_DEFAULT);
    if (is_there <= 0) return {};
    const std::string what = path + ": attribute " + name;
    const Id id(H5Aopen_by_name(*file_, object, name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                what);
    const Id space(H5Aget_space(id), H5Sclose, what);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count <= 0) return {};
    if (static_cast<std::uint64_t>(count) > most_arrays) fail(what + " has too many values");
    const Id type(H5Aget_type(id), H5Tclose, what);
    if (element_of(type) != Element::texts) fail(what + " is no text");
    return texts_of(type, space, static_cast<std::size_t>(count), what,
                    [&](void* into) { return H5Aread(id, type, into); });
  }

  void read_row(const Array& array, std::int64_t row, std::span<std::byte> into) const override {
    const std::scoped_lock lock(library());
    const hid_t id = id_of(array);
    const Id type(H5Dget_type(id), H5Tclose, array.path);
    const Id space(H5Dget_space(id), H5Sclose, array.path);
    const Id memory = select(array, row, space);
    if (static_cast<std::size_t>(H5Sget_select_npoints(space)) * array.element_bytes !=
        into.size()) {
      fail(array.path + " has another shape than when it was opened");
    }
    check(H5Dread(id, type, memory, space, H5P_DEFAULT, into.data()), array);
  }

  std::size_t read_bytes(const Array& array, std::int64_t row,
                         std::vector<std::byte>& into) const override {
    const std::scoped_lock lock(library());
    const hid_t id = id_of(array);
    const Id type(H5Dget_type(id), H5Tclose, array.path);
    const Id space(H5Dget_space(id), H5Sclose, array.path);
    const Id memory = select(array, row, space);
    hvl_t value{};
    check(H5Dread(id, type, memory, space, H5P_DEFAULT, &value), array);
    const std::size_t size = value.len;
    const bool fits = size <= most_value_bytes;
    if (fits) {
      if (into.size() < size) into.resize(size);
      std::copy_n(static_cast<const std::byte*>(value.p), size, into.data());
    }
    H5Dvlen_reclaim(type, memory, H5P_DEFAULT, &value);
    if (!fits) fail(array.path + " has an image of more than 1 GiB");
    return size;
  }

 private:
  Id open(const std::string& path) const {
    const Id access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, path);
    Id array(H5Dopen2(*file_, path.c_str(), H5P_DEFAULT), H5Dclose, path);
    const Id how(H5Dget_create_plist(array), H5Pclose, path);
    if (H5Pget_layout(how) != H5D_CHUNKED) return array;
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    const int rank = H5Pget_chunk(how, H5S_MAX_RANK, chunk.data());
    const Id type(H5Dget_type(array), H5Tclose, path);
    std::size_t bytes = H5Tget_size(type);
    for (int i = 0; i < rank; ++i) {
      bytes *= static_cast<std::size_t>(chunk[static_cast<std::size_t>(i)]);
    }
    bytes = std::min(most_cache_bytes, std::max(cached_chunks * bytes, std::size_t{1} << 20));
    H5Pset_chunk_cache(access, 521, bytes, H5D_CHUNK_CACHE_W0_DEFAULT);
    return Id(H5Dopen2(*file_, path.c_str(), access), H5Dclose, path);
  }

  hid_t id_of(const Array& array) const { return ids_.at(array.number); }

  static void check(herr_t status, const Array& array) {
    if (status < 0) fail(array.path + ": " + last_error());
  }

  // Whether offsets count from the begin of one file.
  bool is_plain_file() const {
    const Id access(H5Fget_access_plist(*file_), H5Pclose, "file");
    const Id created(H5Fget_create_plist(*file_), H5Pclose, "file");
    hsize_t user_block = 0;
    return H5Pget_driver(access) == H5FD_SEC2 && H5Pget_userblock(created, &user_block) >= 0 &&
           user_block == 0;
  }

  // Whether addresses and sizes in the file have 8 bytes each.
  bool has_wide_references() const {
    const Id created(H5Fget_create_plist(*file_), H5Pclose, "file");
    std::size_t address = 0, size = 0;
    return H5Pget_sizes(created, &address, &size) >= 0 && address == 8 && size == 8;
  }

  static Place place_of_chunks(hid_t id, hid_t how, const Array& array) {
    const std::size_t rank = array.shape.size();
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    if (H5Pget_chunk(how, H5S_MAX_RANK, chunk.data()) != static_cast<int>(rank)) return {};
    for (std::size_t i = 1; i < rank; ++i) {
      if (chunk[i] != static_cast<hsize_t>(array.shape[i])) return {};
    }
    Place place;
    place.rows = static_cast<std::int64_t>(chunk[0]);
    for (std::int64_t row = 0; row < array.shape[0]; row += place.rows) {
      std::array<hsize_t, H5S_MAX_RANK> corner{};
      corner[0] = static_cast<hsize_t>(row);
      unsigned left_out = 0;  // filters
      haddr_t offset = HADDR_UNDEF;
      hsize_t bytes = 0;
      if (H5Dget_chunk_info_by_coord(id, corner.data(), &left_out, &offset, &bytes) < 0 ||
          offset == HADDR_UNDEF || left_out != 0) {
        return {};
      }
      place.offsets.push_back(offset);
    }
    return place;
  }

  // Selects a row in `space`; the space that it takes in memory.
  static Id select(const Array& array, std::int64_t row, hid_t space) {
    std::array<hsize_t, H5S_MAX_RANK> first{}, count{};
    first[0] = static_cast<hsize_t>(row);
    count[0] = 1;
    for (std::size_t i = 1; i < array.shape.size(); ++i) {
      count[i] = static_cast<hsize_t>(array.shape[i]);
    }
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
          array);
    return Id(H5Screate_simple(static_cast<int>(array.shape.size()), count.data(), nullptr),
              H5Sclose, array.path);
  }

  template <class T>
  std::vector<T> read_all(const Array& array, hid_t type) const {
    const std::scoped_lock lock(library());
    std::vector<T> values(values_of(array));
    if (values.empty()) return values;
    check(H5Dread(id_of(array), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), array);
    return values;
  }

  std::optional<Id> file_;
  std::vector<Id> ids_;
  std::vector<Array> arrays_;
};

}  // namespace
}  // namespace headrace::hdf5

HEADRACE_PLUGIN_EXPORT int headrace_hdf5_get_version() { return headrace_hdf5_version; }

HEADRACE_PLUGIN_EXPORT headrace::hdf5::File* headrace_hdf5_open(const char* path) {
  const std::scoped_lock lock(headrace::hdf5::library());
  // Errors are told by exceptions, and not on standard error.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return new headrace::hdf5::OpenFile(path, H5P_DEFAULT);
}

HEADRACE_PLUGIN_EXPORT headrace::hdf5::File* headrace_hdf5_open_image(const std::byte* bytes,
                                                                      std::size_t count) {
  using headrace::hdf5::Id;
  const std::scoped_lock lock(headrace::hdf5::library());
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  constexpr std::size_t growth = 65536;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "memory");
  // The library takes a copy, and does not write to what it is given.
  headrace::hdf5::checked(H5Pset_fapl_core(access, growth, false), "memory");
  headrace::hdf5::checked(H5Pset_file_image(access, const_cast<std::byte*>(bytes), count),
                          "memory");
  return new headrace::hdf5::OpenFile("memory", access);
}
