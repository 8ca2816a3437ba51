#include "envbuild/git_credentials.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::envbuild {

namespace {

bool is_http(std::string_view scheme) { return scheme == "http" || scheme == "https"; }

enum class Tool : std::uint8_t { none, git_by_http, other };

// What is started for the URL that begins with `scheme` at the end of `text`.
Tool tool_for(std::string_view scheme, std::string_view text) {
  if (scheme.starts_with("git+") && is_http(scheme.substr(4))) return Tool::git_by_http;
  if (scheme.find('+') != std::string_view::npos || scheme == "ssh") return Tool::other;
  // `git = "https://…"` in [tool.uv.sources].
  text = trim_end(text.substr(0, text.size() - scheme.size()), "\"' \t");
  if (!text.ends_with('=')) return Tool::none;
  text = trim_end(text.substr(0, text.size() - 1), "\"' \t");
  return is_http(scheme) && text.ends_with("git") ? Tool::git_by_http : Tool::none;
}

}  // namespace

Result<std::string> GitCredentials::take(std::string_view text) {
  std::string result;
  for (auto at = text.find(k_url_separator); at != std::string_view::npos;
       at = text.find(k_url_separator)) {
    const std::string scheme = scheme_before(text, at);
    const Tool tool = tool_for(scheme, text.substr(0, at));
    result += text.substr(0, at + k_url_separator.size());
    text.remove_prefix(at + k_url_separator.size());
    const UrlAuthority authority = authority_of(text);
    if (tool == Tool::none || authority.user_info.empty()) continue;
    if (tool == Tool::other && authority.login().password.empty()) continue;
    if (tool == Tool::other)
      return fail(Errc::invalid_argument,
                  "the password for {} in a {}:// URL would be in a command line, which every user "
                  "of this machine can read",
                  authority.host_and_port, scheme)
          .hint("use git+https:// with a password, or ssh with a key");
    text.remove_prefix(static_cast<std::size_t>(authority.host_and_port.data() - text.data()));
    const std::string_view after = text.substr(authority.host_and_port.size());
    const std::string_view path = after.substr(0, after.find_first_of("@#?;\"' \t\r\n"));
    logins_.push_back({.host = std::string(authority.host_and_port),
                       .path = percent_decode(path.empty() ? path : path.substr(1)),
                       .login = authority.login()});
  }
  return result.append(text);
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
