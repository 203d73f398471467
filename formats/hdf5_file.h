#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "headrace/formats/hdf5/interface.h"
#include "headrace/pipeline/error.h"

namespace headrace {

// Does what calls the HDF5 library, which says in the same way whatever it cannot do: as an Error
// of that code naming the file. Private to formats.
template <class Call>
auto calling_hdf5(ErrorCode code, const std::string& name, Call call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw Error(code, name + ": " + error.what());
  }
}
template <class Call>
auto reading_hdf5(const std::string& name, Call call) {
  return calling_hdf5(ErrorCode::corrupt_data, name, call);
}
template <class Call>
auto writing_hdf5(const std::string& name, Call call) {
  return calling_hdf5(ErrorCode::io, name, call);
}

// Throws Error{corrupt_data}, or Error{unsupported} where the plugin headrace_hdf5 is not
// installed.
std::unique_ptr<const hdf5::File> open_hdf5_file(const std::string& path);
// The same of a file that is in memory, of which a copy is made.
std::unique_ptr<const hdf5::File> open_hdf5_image(std::span<const std::byte> bytes,
                                                  const std::string& name);
// A new file in place of what is there. Throws Error{io}.
std::unique_ptr<hdf5::NewFile> create_hdf5_file(const std::string& path);

}  // namespace headrace
