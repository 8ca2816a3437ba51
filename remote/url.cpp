#include "remote/url.hpp"

#include <memory>

#include "base/encoding.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/curl_library.hpp"

namespace rtenv::remote {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(CurlLibrary::url_cleanup)>;

// Empty if the URL doesn't have the part.
std::string part(const CurlLibrary& curl, CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl.url_get(url, which, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(CurlLibrary::free)> owner(text, curl.free);
  return text;
}

// A URL, and a link in it if there is one. A path is kept as written: libcurl sends it so.
Result<Url> parse_link(const std::string& text, const std::string* link) {
  RTENV_TRY(const CurlLibrary* const curl, curl_library());
  const Handle handle(curl->url(), curl->url_cleanup);
  const auto set = [&](const std::string& url) {
    return url.find('\0') == std::string::npos &&
           curl->url_set(handle.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK;
  };
  const auto get = [&](CURLUPart which, unsigned flags = 0) {
    return part(*curl, handle.get(), which, flags);
  };
  // With an IPv6 address's zone, which libcurl has apart from it.
  const auto host = [&] {
    std::string name = lower_ascii(get(CURLUPART_HOST));
    if (const auto zone = get(CURLUPART_ZONEID); !zone.empty())
      name.insert(name.size() - 1, "%25" + zone);
    return name;
  };
  const bool is_url = set(text) && (link == nullptr || set(*link));
  Url url{.origin = {.scheme = get(CURLUPART_SCHEME),
                     .host = host(),
                     .port = get(CURLUPART_PORT, CURLU_DEFAULT_PORT)},
          .user_info = get(CURLUPART_USER),
          .path = get(CURLUPART_PATH),
          .query = get(CURLUPART_QUERY)};
  if (!is_url || (url.origin.scheme != "http" && url.origin.scheme != "https"))
    return fail(Errc::invalid_argument, "{} isn't an http or https URL",
                redacted_url(link == nullptr ? text : *link));
  if (const std::string password = get(CURLUPART_PASSWORD); !password.empty())
    url.user_info += ":" + password;
  return url;
}

}  // namespace

Result<Url> Url::parse(const std::string& text) { return parse_link(text, nullptr); }

Result<Url> Url::parse_endpoint(const std::string& text) {
  RTENV_TRY(Url url, parse(text));
  if (!url.user_info.empty() || !url.query.empty())
    return fail(Errc::invalid_argument, "{} isn't the URL of an endpoint", redacted_url(text))
        .hint("use http(s)://HOST[:PORT][/PATH]");
  url.path = trim_end(url.path, "/");
  return url;
}

Result<Url> Url::resolve(const std::string& link) const {
  RTENV_TRY(Url target, parse_link(text(), &link));
  return followed_by(std::move(target));
}

Url Url::followed_by(Url next) const {
  if (next.origin == origin && next.user_info.empty()) next.user_info = user_info;
  return next;
}

std::string Url::text() const {
  const bool default_port = origin.port == (origin.scheme == "https" ? "443" : "80");
  return fmt::format("{}://{}{}{}{}{}{}{}{}", origin.scheme, user_info,
                     user_info.empty() ? "" : "@", origin.host, default_port ? "" : ":",
                     default_port ? "" : origin.port, path, query.empty() ? "" : "?", query);
}

bool is_downgrade(const Origin& from, const Origin& to) noexcept {
  return from.scheme == "https" && to.scheme != "https";
}

}  // namespace rtenv::remote
