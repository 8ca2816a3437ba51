#include "envbuild/git_credentials.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::envbuild {

std::string GitCredentials::take(std::string_view text) {
  constexpr std::string_view k_scheme = "git+http";
  constexpr std::string_view k_separator = "://";
  std::string result;
  for (auto at = text.find(k_scheme); at != std::string_view::npos; at = text.find(k_scheme)) {
    const auto scheme_end = text.find(k_separator, at);
    if (scheme_end == std::string_view::npos) break;
    const auto begin = scheme_end + k_separator.size();
    result += text.substr(0, begin);
    text.remove_prefix(begin);
    const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\r\n"));
    const auto end = authority.rfind('@');
    if (end == std::string_view::npos) continue;
    const std::string_view login = authority.substr(0, end);
    const auto colon = std::min(login.find(':'), login.size());
    logins_.push_back(
        {.host = std::string(authority.substr(end + 1)),
         .user = percent_decode(login.substr(0, colon)),
         .password = percent_decode(login.substr(std::min(colon + 1, login.size())))});
    text.remove_prefix(end + 1);
  }
  return result.append(text);
}

Result<void> GitCredentials::take_from(const Path& file) {
  RTENV_TRY(const std::string text, read_file(file));
  const std::string without = take(text);
  if (without == text) return {};
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0600));
  RTENV_TRY(out.write(without));
  return out.commit(Durability::process);
}

// git's question is "Username for 'https://HOST': " or "Password for 'https://USER@HOST': ".
Result<void> GitCredentials::provide(const Path& folder, Environment& environment) const {
  if (logins_.empty()) return {};
  std::string script = "#!/bin/sh\ncase $1 in\n";
  for (const auto& [host, user, password] : logins_) {
    script += fmt::format("Username*//{}\\'*) printf '%s\\n' {} ;;\n", shell_quote(host),
                          shell_quote(user));
    script += fmt::format("Password*@{}\\'*) printf '%s\\n' {} ;;\n", shell_quote(host),
                          shell_quote(password));
  }
  script += "esac\n";
  const Path program = folder / "git-askpass";
  RTENV_TRY(AtomicFile out, AtomicFile::create(program, 0700));
  RTENV_TRY(out.write(script));
  RTENV_TRY(out.commit(Durability::process));
  environment.set("GIT_ASKPASS", program.native());
  environment.set("GIT_TERMINAL_PROMPT", "0");
  return {};
}

}  // namespace rtenv::envbuild
