#include "base/processors.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>

#include "base/file.hpp"

namespace rtenv {
namespace {

constexpr std::string_view k_version_2 = "0::";

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && value > 0 ? std::optional(value) : std::nullopt;
}

// "200000 100000": microseconds of time in each period; "max 100000" without a limit.
std::optional<unsigned> read_share(const Path& file) {
  const auto text = read_file(file);
  if (!text) return std::nullopt;
  const auto space = text->find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto quota = number(std::string_view(*text).substr(0, space));
  const auto period = number(std::string_view(*text).substr(space + 1));
  if (!quota || !period) return std::nullopt;
  return (*quota - 1) / *period + 1;
}

}  // namespace

unsigned processors_of_cgroup(const Path& cgroup_file, const Path& cgroup_root) {
  const auto text = read_file(cgroup_file);
  if (!text) return 0;
  const auto begin = text->starts_with(k_version_2) ? 0 : text->find("\n0::");
  if (begin == std::string::npos) return 0;
  const auto path_begin = text->find(k_version_2, begin) + k_version_2.size();
  Path path =
      Path(text->substr(path_begin, text->find('\n', path_begin) - path_begin)).relative_path();
  std::optional<unsigned> least;
  for (;; path = path.parent_path()) {
    const auto share = read_share(cgroup_root / path / "cpu.max");
    if (share) least = std::min(*share, least.value_or(*share));
    if (path.empty()) return least.value_or(0);
  }
}

unsigned default_threads() {
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const unsigned share = processors_of_cgroup("/proc/self/cgroup", "/sys/fs/cgroup");
  return share == 0 ? processors : std::min(processors, share);
}

}  // namespace rtenv
