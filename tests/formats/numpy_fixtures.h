#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Files of NumPy made by hand.
namespace headrace::test {

inline std::string little_endian(std::uint64_t value, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

inline std::string npy_of(const std::string& dictionary, const std::string& values,
                          int version = 1) {
  std::string head = dictionary;
  const std::size_t fixed = version == 1 ? 10 : 12;
  head += std::string((64 - (fixed + head.size() + 1) % 64) % 64, ' ') + "\n";
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         little_endian(head.size(), version == 1 ? 2 : 4) + head + values;
}

inline std::string npy(const std::string& type, const std::string& shape, const std::string& values,
                       bool fortran = false) {
  return npy_of("{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
                    ", 'shape': (" + shape + "), }",
                values);
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string in = bytes;
  std::string out(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct ZipOptions {
  bool deflate = false;
  bool sizes_64 = false;  // in the directory, behind all ones
};

inline std::string zip(const std::vector<std::pair<std::string, std::string>>& files,
                       const ZipOptions& options = {}) {
  std::string archive;
  std::string directory;
  for (const auto& [name, bytes] : files) {
    const std::string stored = options.deflate ? deflated(bytes) : bytes;
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    const std::string facts =
        little_endian(options.deflate ? 8 : 0, 2) + std::string(4, '\0') + little_endian(crc, 4);
    const std::uint64_t ones = 0xFFFFFFFF;
    const std::string extra = options.sizes_64 ? little_endian(1, 2) + little_endian(16, 2) +
                                                     little_endian(bytes.size(), 8) +
                                                     little_endian(stored.size(), 8)
                                               : "";
    const std::string sizes = little_endian(options.sizes_64 ? ones : stored.size(), 4) +
                              little_endian(options.sizes_64 ? ones : bytes.size(), 4);
    const std::string lengths = little_endian(name.size(), 2) + little_endian(extra.size(), 2);
    directory += "PK\1\2" + little_endian(20, 2) + little_endian(20, 2) + std::string(2, '\0') +
                 facts + sizes + lengths + std::string(10, '\0') +
                 little_endian(archive.size(), 4) + name + extra;
    archive += "PK\3\4" + little_endian(20, 2) + std::string(2, '\0') + facts + sizes + lengths +
               name + extra + stored;
  }
  const std::string end = "PK\5\6" + std::string(4, '\0') + little_endian(files.size(), 2) +
                          little_endian(files.size(), 2) + little_endian(directory.size(), 4) +
                          little_endian(archive.size(), 4) + std::string(2, '\0');
  return archive + directory + end;
}

}  // namespace headrace::test
