#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headrace::hdf5 {

enum class Element {
  integers,
  reals,
  bytes,  // of any number in each element: an image's file
  texts,
  other,
};

// Where the values of an array lie in the file, for reading without the library: in pieces of
// whole rows, one behind the other.
struct Place {
  std::int64_t rows = 0;  // of each piece but perhaps the last
  std::vector<std::uint64_t> offsets;
};

// An array: a data set in HDF5's language. Its rows are what its first extent counts.
struct Array {
  std::size_t number = 0;  // among those of the file
  std::string path;        // "train/images", without the slash before
  std::vector<std::int64_t> shape;
  Element element = Element::other;
  std::size_t element_bytes = 0;
  bool is_signed = false;
  bool is_native = false;     // as this machine holds such a number
  bool is_elsewhere = false;  // values are those of arrays in other files, or in such files
  std::string type;           // for messages: "HDF5 compound"
};

// An HDF5 file that is open for reading. The library has one lock for all files of a process, and
// so have these functions, which many threads may call. They throw std::runtime_error saying what
// the library said.
class File {
 public:
  virtual ~File() = default;

  // All arrays of all groups, in the order of names.
  virtual const std::vector<Array>& arrays() const = 0;
  // Nothing where it has to be the library that reads: where values are compressed, in another
  // file, not yet there, or in pieces of parts of rows. Of Element::bytes it is the place of their
  // references, of 16 bytes each.
  virtual Place place_of(const Array& array) const = 0;
  // All values of an array of that element, converted.
  virtual std::vector<std::int64_t> integers(const Array& array) const = 0;
  virtual std::vector<float> reals(const Array& array) const = 0;
  virtual std::vector<std::string> texts(const Array& array) const = 0;
  // One row of native numbers: as many bytes as it has.
  virtual void read_row(const Array& array, std::int64_t row, std::span<std::byte> into) const = 0;
  // One element of Element::bytes; how many there were.
  virtual std::size_t read_bytes(const Array& array, std::int64_t row,
                                 std::vector<std::byte>& into) const = 0;
  // The texts of an attribute that a group or array has, by its path, "" of the file itself; none
  // if there is no such attribute.
  virtual std::vector<std::string> attribute(const std::string& path,
                                             const std::string& name) const = 0;
};

// An HDF5 file that is being written, by one thread at a time; others may use other files. Throws
// std::runtime_error.
class NewFile {
 public:
  virtual ~NewFile() = default;

  // The array of images: of u8 or, if they are `reals`, float, of that shape; or, without a shape,
  // of their files.
  virtual void begin_images(const std::string& path, const std::vector<std::int64_t>& shape,
                            bool reals) = 0;
  virtual void append_image(std::span<const std::byte> bytes) = 0;
  virtual void write(const std::string& path, const std::vector<std::int64_t>& values) = 0;
  virtual void write(const std::string& path, const std::vector<std::string>& values) = 0;
  // In rows of so many values.
  virtual void write(const std::string& path, const std::vector<float>& values,
                     std::int64_t columns) = 0;
  // All is in the file, or it throws.
  virtual void close() = 0;
};

}  // namespace headrace::hdf5

// The functions of the plugin headrace_hdf5. It is built with the program that opens it, so a File
// of C++ may go from one to the other; the version guards against a plugin of another build.
extern "C" {

constexpr int headrace_hdf5_version = 2;
using headrace_hdf5_get_version_function = int (*)();
// The caller deletes it. Throws std::runtime_error.
using headrace_hdf5_open_function = headrace::hdf5::File* (*)(const char* path);
// Of the bytes of a file, which are copied.
using headrace_hdf5_open_image_function = headrace::hdf5::File* (*)(const std::byte* bytes,
                                                                    std::size_t count);
// A new file in place of what is there.
using headrace_hdf5_create_function = headrace::hdf5::NewFile* (*)(const char* path);
}
