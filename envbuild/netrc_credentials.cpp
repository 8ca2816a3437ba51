#include "envbuild/netrc_credentials.hpp"

#include <algorithm>
#include <sstream>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"

namespace rtenv::envbuild {
namespace {

// As Python's versions agree on them.
bool is_netrc_word(std::string_view text) {
  return !text.empty() && text.front() != '"' && text.find('\\') == std::string_view::npos &&
         std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

// pip reads them in any case: PIP_index_url.
bool is_url_variable(std::string_view name) {
  const std::string upper = upper_ascii(name);
  return upper == "PIP_INDEX_URL" || upper == "PIP_EXTRA_INDEX_URL" || upper == "PIP_FIND_LINKS";
}
bool is_proxy_variable(std::string_view name) { return upper_ascii(name) == "PIP_PROXY"; }

std::string user_netrc(const Environment& environment) {
  if (const auto named = environment.find_filled("NETRC"))
    return read_file(Path(*named)).value_or("");
  const auto home = environment.find_filled("HOME");
  return home ? read_file(Path(*home) / ".netrc").value_or("") : "";
}

// "machine HOST", or "default", which is any.
bool has_machine(std::string_view netrc, std::string_view host) {
  std::istringstream words{std::string(netrc)};
  std::string before;
  for (std::string word; words >> word; before = word)
    if (word == "default" || (before == "machine" && word == host)) return true;
  return false;
}

// Whether it is in a line with an option of a list, as "--index-url".
bool is_in_option(const UrlInText& url) {
  return url.before.substr(url.before.rfind('\n') + 1).starts_with('-');
}

// Whether it is in a project's "NAME @ URL", rather than a page's address.
bool is_direct_url(const UrlInText& url) { return trim_end(url.before).ends_with('@'); }

bool has_secret_parameter(const UrlInText& found) {
  const auto end = found.after_scheme.find_first_of(" \t\r\n");
  const auto url = fmt::format("https://{}", found.after_scheme.substr(0, end));
  const auto query = url.find('?');
  return query != std::string::npos &&
         without_credentials(url).find(url.substr(query)) == std::string::npos;
}

Failure fail_shown(const std::string& host, const char* problem) {
  return fail(Errc::invalid_argument,
              "pip would show the login for {} in a command line, which every user of this machine "
              "can read, and a netrc file can't hide it: {}",
              host, problem)
      .hint(
          "use \"uv\" instead of \"pip\", or give the host one user with a password, and one port");
}

}  // namespace

NetrcCredentials::NetrcCredentials(const Environment& environment)
    : user_netrc_(user_netrc(environment)) {}

void NetrcCredentials::note_hosts(const Environment& environment) {
  for (const auto& [name, value] : environment.values())
    if (is_url_variable(name)) note_hosts(value);
}

void NetrcCredentials::note_hosts(std::string_view text) {
  for (const UrlInText& url : urls_in(text)) {
    if (!url.is_http()) continue;
    Host& host = hosts_[url.authority.host()];
    host.origins.insert(fmt::format("{}://{}", url.scheme, url.authority.host_and_port));
    host.logins.insert(url.authority.login());
  }
}

const char* NetrcCredentials::add(const std::string& host, const UrlLogin& login) {
  const Host& known = hosts_[host];
  if (known.origins.size() > 1 && known.logins.size() > 1)
    return "the host is used with several ports or schemes, not all of them with this login";
  if (login.user.empty()) return "it has no user";
  if (login.password.empty()) return "it has a user or token without a password";
  if (!is_netrc_word(host) || !is_netrc_word(login.user) || !is_netrc_word(login.password))
    return "it has a character that a netrc file can't have";
  if (logins_.try_emplace(host, login).first->second != login) return "the host has another login";
  return nullptr;
}

Result<std::string> NetrcCredentials::take(std::string_view text, Place place) {
  std::vector<UrlInText> taken;
  for (const UrlInText& url : urls_in(text)) {
    if (!url.is_http()) continue;
    const std::string host = url.authority.host();
    const bool is_shown =
        place == Place::variable || (place == Place::list ? is_in_option(url) : is_direct_url(url));
    if (is_shown && has_secret_parameter(url)) return fail_shown(host, "its query has a secret");
    if (url.authority.user_info.empty()) continue;
    const UrlLogin login = url.authority.login();
    const char* const problem = add(host, login);
    // A mere name: pip takes its login from the user's netrc file.
    const bool is_known = login.password.empty() && has_machine(user_netrc_, host);
    if (problem != nullptr && is_shown && !is_known) return fail_shown(host, problem);
    if (problem == nullptr) taken.push_back(url);
  }
  return without_user_info(text, taken);
}

Result<std::string> NetrcCredentials::take(std::string_view list) {
  return take(list, Place::list);
}

Result<void> NetrcCredentials::take_from_project(const Path& file) {
  return change_list(file, [this](std::string_view text) { return take(text, Place::project); });
}

Result<void> NetrcCredentials::take_from(const Path& file) {
  return change_list(file, [this](std::string_view text) { return take(text); });
}

Result<void> NetrcCredentials::take_from(Environment& environment) {
  const Environment before = environment;
  for (const auto& [name, value] : before.values()) {
    if (is_url_variable(name)) {
      RTENV_TRY(std::string taken, take(value, Place::variable));
      environment.set(name, std::move(taken));
    } else if (is_proxy_variable(name) && value.find('@') != std::string::npos) {
      const bool has_scheme = value.find("://") != std::string::npos;
      for (const char* variable : {"http_proxy", "https_proxy"})
        environment.set(variable, has_scheme ? value : "http://" + value);
      environment.unset(name);
    }
  }
  return {};
}

// The last login of a host counts.
Result<void> NetrcCredentials::provide(const Path& folder, Environment& environment) const {
  if (logins_.empty()) return {};
  std::string text = user_netrc_ + "\n";
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
