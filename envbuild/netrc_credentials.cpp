#include "envbuild/netrc_credentials.hpp"

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/log.hpp"

namespace rtenv::envbuild {
namespace {

// As Python's versions agree on them.
bool is_netrc_word(std::string_view text) {
  return !text.empty() && text.front() != '"' && text.find('\\') == std::string_view::npos &&
         std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

// The scheme before the "://" at `at`.
std::string_view scheme_before(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  return before.substr(before.find_last_not_of("abcdefghijklmnopqrstuvwxyz+") + 1);
}

bool is_http(std::string_view scheme) { return scheme == "http" || scheme == "https"; }

constexpr std::string_view k_separator = "://";

constexpr std::array<const char*, 3> k_url_variables{"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL",
                                                     "PIP_FIND_LINKS"};

std::string user_netrc(const Environment& environment) {
  if (const auto named = environment.find_filled("NETRC"))
    return read_file(Path(*named)).value_or("");
  const auto home = environment.find_filled("HOME");
  return home ? read_file(Path(*home) / ".netrc").value_or("") : "";
}

}  // namespace

void NetrcCredentials::note_hosts(const Environment& environment) {
  for (const char* variable : k_url_variables) note_hosts(environment.find(variable).value_or(""));
}

void NetrcCredentials::note_hosts(std::string_view text) {
  for (auto at = text.find(k_separator); at != std::string_view::npos;
       at = text.find(k_separator)) {
    const std::string_view scheme = scheme_before(text, at);
    const UrlAuthority authority = authority_of(text.substr(at + k_separator.size()));
    if (is_http(scheme))
      origins_[authority.host()].insert(fmt::format("{}://{}", scheme, authority.host_and_port));
    text.remove_prefix(at + k_separator.size());
  }
}

std::string NetrcCredentials::take(std::string_view text) {
  std::string result;
  for (auto at = text.find(k_separator); at != std::string_view::npos;
       at = text.find(k_separator)) {
    const bool http = is_http(scheme_before(text, at));
    const auto begin = at + k_separator.size();
    result += text.substr(0, begin);
    text.remove_prefix(begin);
    const UrlAuthority authority = authority_of(text);
    if (!http || authority.user_info.empty()) continue;
    const UrlLogin found = authority.login();
    const std::string host = authority.host();
    const bool fits = origins_[host].size() == 1 && is_netrc_word(host) &&
                      is_netrc_word(found.user) && is_netrc_word(found.password) &&
                      logins_.try_emplace(host, found).first->second == found;
    if (!fits) {
      if (!found.password.empty())
        log::warn(
            "pip may show the password for {} in a command line, which other users can read: "
            "give a host one login and one port, or use uv",
            host);
      continue;
    }
    text.remove_prefix(authority.user_info.size() + 1);
  }
  return result.append(text);
}

Result<void> NetrcCredentials::take_from(const Path& file) {
  return change_list(file, [this](std::string_view text) { return take(text); });
}

void NetrcCredentials::take_from(Environment& environment) {
  for (const char* variable : k_url_variables)
    if (const auto value = environment.find(variable))
      environment.set(variable, take(std::string(*value)));
  const auto found = environment.find_filled("PIP_PROXY");
  if (!found || found->find('@') == std::string_view::npos) return;
  std::string proxy(*found);
  if (proxy.find(k_separator) == std::string::npos) proxy.insert(0, "http://");
  for (const char* variable : {"http_proxy", "https_proxy"}) environment.set(variable, proxy);
  environment.unset("PIP_PROXY");
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
