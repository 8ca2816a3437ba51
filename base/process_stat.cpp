#include "base/process_stat.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {
namespace {

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

// "PID (NAME) STATE PARENT …". The name may contain anything, even ") ".
std::optional<ProcessStat> process_stat(pid_t pid) {
  const Fd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 512> buffer{};
  const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
  if (count <= 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  const auto close = text.rfind(") ");
  if (close == std::string_view::npos || close + 4 >= text.size()) return std::nullopt;
  // Counted from the state.
  constexpr std::size_t k_parent = 1;
  constexpr std::size_t k_session = 3;
  constexpr std::size_t k_flags = 6;
  constexpr std::size_t k_threads = 17;
  constexpr std::size_t k_start = 19;
  constexpr std::int64_t k_exiting = 0x4;  // PF_EXITING of the kernel's sched.h
  std::array<std::string_view, k_start + 1> fields;
  std::string_view rest = text.substr(close + 2);
  for (std::string_view& field : fields) {
    const auto end = std::min(rest.find(' '), rest.size());
    field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return ProcessStat{.state = fields[0].front(),
                     .parent = static_cast<pid_t>(number_in(fields[k_parent])),
                     .session = static_cast<pid_t>(number_in(fields[k_session])),
                     .exiting = (number_in(fields[k_flags]) & k_exiting) != 0,
                     .threads = number_in(fields[k_threads]),
                     .start_ticks = number_in(fields[k_start])};
}

}  // namespace rtenv
