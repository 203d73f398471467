#include "headrace/cli/kept_statistics.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace::cli {
namespace {

// What a file begins with: its format, what it is of, the numbers of each kind behind it in f32,
// and the fingerprint of those.
struct FileHead {
  std::array<char, 8> magic = {'h', 'r', 'f', 'i', 't', '0', '0', '1'};
  std::uint64_t key = 0;
  std::array<std::uint64_t, 3> counts{};  // mean, deviation, whitening
  std::uint64_t print = 0;
};
static_assert(sizeof(FileHead) == 48);

std::uint64_t print_of(std::span<const std::byte> numbers) {
  return Fingerprint().add(numbers).value();
}

std::filesystem::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::filesystem::path(cache) / "headrace" / "fitted";
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / ".cache" / "headrace" / "fitted";
}

}  // namespace

KeptStatistics::KeptStatistics(const std::string& folder, const ImageData& data,
                               const Recipe& recipe) {
  if (folder == "none") return;
  const std::filesystem::path in = folder.empty() ? cache_folder() : std::filesystem::path(folder);
  const std::optional<std::uint64_t> content = data.dataset->content_fingerprint();
  if (in.empty() || !content) return;
  Fingerprint print;
  print.add(*content).add(data.decoder->fingerprint()).add(recipe.unaugmented().fingerprint());
  for (const char* name : {"rescale", "mean", "std", "zca_whitening", "zca_epsilon"}) {
    print.add(to_string(recipe.get(name)));
  }
  key_ = print.value();
  path_ = in / (to_hex(key_) + ".fitted");
}

bool KeptStatistics::load(Recipe& recipe) const {
  if (path_.empty()) return false;
  std::ifstream file(path_, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  FileHead head;
  if (text.size() < sizeof head) return false;
  std::memcpy(&head, text.data(), sizeof head);
  const auto body = std::as_bytes(std::span(text)).subspan(sizeof head);
  std::uint64_t count = 0;
  for (const std::uint64_t each : head.counts) {
    if (each > body.size()) return false;
    count += each;
  }
  if (head.magic != FileHead().magic || head.key != key_ || body.size() != count * sizeof(float) ||
      head.print != print_of(body)) {
    return false;
  }
  const std::byte* at = body.data();
  const auto take = [&](std::size_t kind) {
    std::vector<float> numbers(static_cast<std::size_t>(head.counts[kind]));
    if (!numbers.empty()) std::memcpy(numbers.data(), at, numbers.size() * sizeof(float));
    at += numbers.size() * sizeof(float);
    return numbers;
  };
  Recipe fitted = recipe;
  try {
    if (head.counts[0] != 0) fitted.set_mean(take(0));
    if (head.counts[1] != 0) fitted.set_deviation(take(1));
    if (head.counts[2] != 0) fitted.set_whitening(take(2));
  } catch (const Error&) {
    return false;
  }
  if (fitted.needs_mean()) return false;
  recipe = std::move(fitted);
  return true;
}

void KeptStatistics::save(const Recipe& recipe) const {
  if (path_.empty()) return;
  std::vector<std::byte> body;
  FileHead head;
  head.key = key_;
  std::size_t kind = 0;
  for (const std::vector<float>* numbers :
       {&recipe.mean(), &recipe.deviation(), &recipe.whitening()}) {
    const auto bytes = std::as_bytes(std::span(*numbers));
    body.insert(body.end(), bytes.begin(), bytes.end());
    head.counts[kind++] = numbers->size();
  }
  head.print = print_of(body);
  std::error_code fault;
  std::filesystem::create_directories(path_.parent_path(), fault);
  if (fault) {
    throw Error(ErrorCode::io,
                fmt::format("{}: {}", path_.parent_path().string(), fault.message()));
  }
  AtomicFile file(path_);
  file.write(std::as_bytes(std::span(&head, 1)));
  file.write(body);
  file.commit();
}

}  // namespace headrace::cli
