#include "envbuild/netrc_credentials.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/file.hpp"

namespace rtenv::envbuild {
namespace {

bool is_netrc_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7F; }) &&
         text.find_first_of("\"\\#'") == std::string_view::npos;
}

// Whether the "://" at `at` is that of a URL that pip itself fetches.
bool is_http(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto scheme = before.substr(before.find_last_not_of("abcdefghijklmnopqrstuvwxyz+") + 1);
  return scheme == "http" || scheme == "https";
}

std::string user_netrc(const Environment& environment) {
  if (const auto named = environment.find_filled("NETRC"))
    return read_file(Path(*named)).value_or("");
  const auto home = environment.find_filled("HOME");
  return home ? read_file(Path(*home) / ".netrc").value_or("") : "";
}

}  // namespace

std::string NetrcCredentials::take(std::string_view text) {
  constexpr std::string_view k_separator = "://";
  std::string result;
  for (auto at = text.find(k_separator); at != std::string_view::npos;
       at = text.find(k_separator)) {
    const bool http = is_http(text, at);
    const auto begin = at + k_separator.size();
    result += text.substr(0, begin);
    text.remove_prefix(begin);
    const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\r\n"));
    const auto end = authority.rfind('@');
    if (!http || end == std::string_view::npos) continue;
    const std::string_view login = authority.substr(0, end);
    const auto colon = std::min(login.find(':'), login.size());
    const Login found{.user = percent_decode(login.substr(0, colon)),
                      .password = percent_decode(login.substr(std::min(colon + 1, login.size())))};
    const std::string host(authority.substr(end + 1, authority.find(':', end) - end - 1));
    if (!is_netrc_word(host) || !is_netrc_word(found.user) || !is_netrc_word(found.password) ||
        logins_.try_emplace(host, found).first->second != found)
      continue;
    text.remove_prefix(end + 1);
  }
  return result.append(text);
}

Result<void> NetrcCredentials::take_from(const Path& file) {
  RTENV_TRY(const std::string text, read_file(file));
  const std::string without = take(text);
  if (without == text) return {};
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0600));
  RTENV_TRY(out.write(without));
  return out.commit(Durability::process);
}

void NetrcCredentials::take_from(Environment& environment) {
  for (const char* variable : {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"})
    if (const auto value = environment.find(variable))
      environment.set(variable, take(std::string(*value)));
}

// The last login of a host counts.
Result<void> NetrcCredentials::provide(const Path& folder, Environment& environment) const {
  if (logins_.empty()) return {};
  std::string text = user_netrc(environment) + "\n";
  for (const auto& [host, login] : logins_)
    text += fmt::format("machine {} login {} password {}\n", host, login.user, login.password);
  const Path file = folder / "netrc";
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0600));
  RTENV_TRY(out.write(text));
  RTENV_TRY(out.commit(Durability::process));
  environment.set("NETRC", file.native());
  return {};
}

}  // namespace rtenv::envbuild
