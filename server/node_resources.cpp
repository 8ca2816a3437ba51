#include "server/node_resources.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/lines.hpp"

namespace rtenv::server {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

double usable_cpus(const Path& root) {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cpus = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // "QUOTA PERIOD", or "max PERIOD"
  if (const auto text = read_file(root / "sys/fs/cgroup/cpu.max")) {
    const auto quota = parse_number<double>(*text);
    const auto space = text->find(' ');
    const auto period = space == std::string::npos
                            ? std::nullopt
                            : parse_number<double>(std::string_view(*text).substr(space + 1));
    if (quota && period && *period > 0) cpus = std::min(cpus, std::max(1.0, *quota / *period));
  }
  return cpus;
}

std::int64_t usable_memory(const Path& root) {
  std::int64_t bytes = 0;
  if (const auto text = read_file(root / "proc/meminfo"))
    for (const std::string_view line : lines_of(*text))
      if (line.starts_with("MemTotal:")) {
        const auto digits = line.find_first_of("0123456789");
        if (digits != std::string_view::npos)
          bytes = parse_number<std::int64_t>(line.substr(digits)).value_or(0) * 1024;
      }
  if (const auto text = read_file(root / "sys/fs/cgroup/memory.max"))
    if (const auto limit = parse_number<std::int64_t>(*text)) bytes = std::min(bytes, *limit);
  return bytes;
}

// /dev/nvidia0, /dev/nvidia1, …, but not nvidiactl.
std::vector<int> nvidia_gpus(const Path& root) {
  std::vector<int> gpus;
  for (const FolderEntry& entry : readable_entries(root / "dev")) {
    const std::string name = entry.name();
    if (!name.starts_with("nvidia") || name.find_first_not_of("0123456789", 6) != std::string::npos)
      continue;
    if (const auto number = parse_number<int>(std::string_view(name).substr(6)))
      gpus.push_back(*number);
  }
  std::ranges::sort(gpus);
  return gpus;
}

// The nodes of the KFD topology with SIMD units, numbered in their order, as by HIP.
std::vector<int> amd_gpus(const Path& root) {
  std::vector<int> gpus;
  for (const FolderEntry& node : readable_entries(root / "sys/class/kfd/kfd/topology/nodes")) {
    const auto text = read_file(node.path / "properties");
    if (!text) continue;
    for (const std::string_view line : lines_of(*text))
      if (line.starts_with("simd_count ") && line != "simd_count 0")
        gpus.push_back(static_cast<int>(gpus.size()));
  }
  return gpus;
}

// The GPUs in a list such as "0,2". UUIDs aren't understood: then the user sets --num-gpus.
std::vector<int> visible(std::vector<int> gpus, std::optional<std::string_view> list) {
  if (!list) return gpus;
  std::vector<int> chosen;
  for (std::size_t begin = 0; begin < list->size();) {
    const auto end = std::min(list->find(',', begin), list->size());
    if (const auto number = parse_number<int>(list->substr(begin, end - begin)))
      if (std::ranges::find(gpus, *number) != gpus.end()) chosen.push_back(*number);
    begin = end + 1;
  }
  return chosen;
}

}  // namespace

NodeResources find_node_resources(const Environment& environment, const Path& root) {
  NodeResources node{.cpus = usable_cpus(root), .memory_bytes = usable_memory(root)};
  node.gpus = visible(nvidia_gpus(root), environment.find("CUDA_VISIBLE_DEVICES"));
  node.gpu_variable = "CUDA_VISIBLE_DEVICES";
  if (node.gpus.empty()) {
    node.gpus = visible(amd_gpus(root), environment.find("HIP_VISIBLE_DEVICES"));
    if (!node.gpus.empty()) node.gpu_variable = "HIP_VISIBLE_DEVICES";
  }
  return node;
}

}  // namespace rtenv::server
