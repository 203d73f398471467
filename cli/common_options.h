#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace headrace::cli {

// Options that several commands have, by the same names and in the same words. `value` is what the
// option is read into, and holds its default.

// --data; `what` says which images are meant.
void add_data(CLI::App& command, std::string& value, const std::string& what);
// --root
void add_root(CLI::App& command, std::string& value);
// --image-size
void add_image_size(CLI::App& command, std::string& value);
// --batch-size; `what` says of which images.
void add_batch_size(CLI::App& command, std::int64_t& value, const std::string& what,
                    const std::string& group);
// --threads, where they compute; `what` says what.
void add_compute_threads(CLI::App& command, int& value, const std::string& what);
// --json
void add_json(CLI::App& command, bool& value);

}  // namespace headrace::cli
