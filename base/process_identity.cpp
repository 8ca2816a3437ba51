#include "base/process_identity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_id.hpp"
#include "base/file.hpp"

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

// The start time in /proc/PID/stat; nullopt if there is no such process, or only a zombie.
std::optional<std::string> start_ticks(std::string_view pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return std::nullopt;
  // "PID (NAME) STATE …"; the name may contain anything. The start time is the 22nd field.
  const auto name_end = stat->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = words_of(std::string_view(*stat).substr(name_end + 2));
  constexpr std::size_t k_start_time = 19;  // counted from the state
  if (fields.size() <= k_start_time || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  return std::string(fields[k_start_time]);
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
