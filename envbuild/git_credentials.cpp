#include "envbuild/git_credentials.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

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
    const std::string_view after = text.substr(authority.size());
    const std::string_view path = after.substr(0, after.find_first_of("@#?; \t\r\n"));
    logins_.push_back(
        {.host = std::string(authority.substr(end + 1)),
         .path = percent_decode(path.empty() ? path : path.substr(1)),
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

bool GitCredentials::needs_paths() const {
  std::map<std::string, std::pair<std::string, std::string>> by_host;
  return std::ranges::any_of(logins_, [&](const Login& login) {
    const std::pair found(login.user, login.password);
    return by_host.try_emplace(login.host, found).first->second != found;
  });
}

// git's question is "Username for 'https://HOST': " or "Password for 'https://USER@HOST': ", with
// "/PATH" after the host if credential.useHttpPath is set.
Result<void> GitCredentials::provide(const Path& folder, Environment& environment) const {
  if (logins_.empty()) return {};
  std::string script = "#!/bin/sh\ncase $1 in\n";
  const bool with_paths = needs_paths();
  for (const auto& [host, path, user, password] : logins_) {
    const std::string place = shell_quote(with_paths ? host + "/" + path : host);
    script += fmt::format("Username*//{}\\'*) printf '%s\\n' {} ;;\n", place, shell_quote(user));
    script += fmt::format("Password*@{}\\'*) printf '%s\\n' {} ;;\n", place, shell_quote(password));
  }
  script += "esac\n";
  const Path program = folder / "git-askpass";
  RTENV_TRY(AtomicFile out, AtomicFile::create(program, 0700));
  RTENV_TRY(out.write(script));
  RTENV_TRY(out.commit(Durability::process));
  environment.set("GIT_ASKPASS", program.native());
  environment.set("GIT_TERMINAL_PROMPT", "0");
  if (!with_paths) return {};
  const std::string count(environment.find_filled("GIT_CONFIG_COUNT").value_or("0"));
  environment.set("GIT_CONFIG_KEY_" + count, "credential.useHttpPath");
  environment.set("GIT_CONFIG_VALUE_" + count, "true");
  environment.set("GIT_CONFIG_COUNT", std::to_string(std::atoi(count.c_str()) + 1));
  return {};
}

}  // namespace rtenv::envbuild
