#include "envbuild/shebang.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_max_bytes = 127;
constexpr std::string_view k_shell_begin = "#!/bin/sh\n'''exec' ";
constexpr std::string_view k_shell_end = " \"$0\" \"$@\"\n' '''";
constexpr std::string_view k_python = "/bin/python";

}  // namespace

void use_plain_shebang(std::string& text) {
  if (!text.starts_with(k_shell_begin)) return;
  const auto end = text.find(k_shell_end);
  if (end == std::string::npos) return;
  std::string line = text.substr(k_shell_begin.size(), end - k_shell_begin.size());
  // pip and uv use different quotes.
  if (const char quote = line.empty() ? '\0' : line.front(); quote == '"' || quote == '\'') {
    const auto close = line.find(quote, 1);
    if (close == std::string::npos) return;
    line = line.substr(1, close - 1) + line.substr(close + 1);
  }
  text.replace(0, end + k_shell_end.size(), "#!" + line);
}

void use_shell_shebang_if_needed(std::string& text) {
  if (!text.starts_with("#!/")) return;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string line = text.substr(2, end - 2);
  const auto python = line.find(k_python);
  if (python == std::string::npos) return;
  const auto program_end = std::min(line.find(' ', python + k_python.size()), line.size());
  if (end <= k_max_bytes && line.find(' ') >= program_end) return;
  text.replace(0, end,
               fmt::format("{}\"{}\"{}{}", k_shell_begin, line.substr(0, program_end),
                           line.substr(program_end), k_shell_end));
}

}  // namespace rtenv::envbuild
