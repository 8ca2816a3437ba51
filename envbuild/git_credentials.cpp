#include "envbuild/git_credentials.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::envbuild {

namespace {

enum class Tool : std::uint8_t { none, git_by_http, other };

// What is started for a URL.
Tool tool_for(const UrlInText& url) {
  if (url.scheme == "git+http" || url.scheme == "git+https") return Tool::git_by_http;
  if (url.scheme.find('+') != std::string::npos || url.scheme == "ssh") return Tool::other;
  // `git = "https://…"` in [tool.uv.sources].
  std::string_view before = trim_end(url.before, "\"' \t");
  if (!before.ends_with('=')) return Tool::none;
  before = trim_end(before.substr(0, before.size() - 1), "\"' \t");
  return url.is_http() && before.ends_with("git") ? Tool::git_by_http : Tool::none;
}

}  // namespace

Result<std::string> GitCredentials::take(std::string_view text) {
  std::vector<UrlInText> taken;
  for (const UrlInText& url : urls_in(text)) {
    const Tool tool = tool_for(url);
    const UrlLogin login = url.authority.login();
    if (tool == Tool::none || url.authority.user_info.empty()) continue;
    const std::string_view host = url.authority.host_and_port;
    if (tool == Tool::git_by_http) {
      const std::string_view after = url.after_scheme.substr(
          static_cast<std::size_t>(host.data() - url.after_scheme.data()) + host.size());
      const std::string_view path = after.substr(0, after.find_first_of("@#?;\"' \t\r\n"));
      logins_.push_back({.host = std::string(host),
                         .path = percent_decode(path.empty() ? path : path.substr(1)),
                         .login = login});
      taken.push_back(url);
    } else if (!login.password.empty()) {
      return fail(Errc::invalid_argument,
                  "the password for {} in a {}:// URL would be in a command line, which every user "
                  "of this machine can read",
                  host, url.scheme)
          .hint("use git+https:// with a password, or ssh with a key");
    }
  }
  return without_user_info(text, taken);
}

Result<void> GitCredentials::take_from(const Path& file) {
  return change_list(file, [this](std::string_view text) { return take(text); });
}

bool GitCredentials::needs_paths() const {
  std::map<std::string, UrlLogin> by_host;
  return std::ranges::any_of(logins_, [&](const RepositoryLogin& repository) {
    return by_host.try_emplace(repository.host, repository.login).first->second != repository.login;
  });
}

// git's question is "Username for 'https://HOST': " or "Password for 'https://USER@HOST': ", with
// "/PATH" after the host if credential.useHttpPath is set.
Result<void> GitCredentials::provide(const Path& folder, Environment& environment) const {
  if (logins_.empty()) return {};
  std::string script = "#!/bin/sh\ncase $1 in\n";
  const bool with_paths = needs_paths();
  for (const auto& [host, path, login] : logins_) {
    const std::string place = shell_quote(with_paths ? host + "/" + path : host);
    script +=
        fmt::format("Username*//{}\\'*) printf '%s\\n' {} ;;\n", place, shell_quote(login.user));
    script +=
        fmt::format("Password*@{}\\'*) printf '%s\\n' {} ;;\n", place, shell_quote(login.password));
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
