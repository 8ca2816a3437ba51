#include "base/process_identity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_id.hpp"
#include "base/process_stat.hpp"

namespace rtenv {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = text.find(' ');
    words.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return words;
}

// Nullopt if there is no such process, or only a zombie.
std::optional<std::string> start_ticks(std::string_view pid) {
  pid_t number = 0;
  std::from_chars(pid.data(), pid.data() + pid.size(), number);
  const auto stat = process_stat(number);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return std::to_string(stat->start_ticks);
}

std::string pid_namespace() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/ns/pid", error).native();
}

}  // namespace

std::string process_identity() {
  std::error_code error;
  // As /proc shows it, which may be mounted for another PID namespace.
  const std::string pid = std::filesystem::read_symlink("/proc/self", error).native();
  const auto ticks = start_ticks(pid);
  const std::string boot = boot_id();
  const std::string container = pid_namespace();
  if (!ticks || boot.empty() || container.empty()) return {};
  return fmt::format("{} {} {} {}", boot, container, pid, *ticks);
}

ProcessState process_state(std::string_view identity) {
  const auto words = words_of(identity);
  if (words.size() != 4) return ProcessState::unknown;
  if (words[0] != boot_id()) return ProcessState::ended;
  if (words[1] != pid_namespace()) return ProcessState::unknown;
  return start_ticks(words[2]) == words[3] ? ProcessState::alive : ProcessState::ended;
}

}  // namespace rtenv
