#include "remote/package_index.hpp"

#include <optional>

#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/transfer_error.hpp"
#include "remote/uri.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

constexpr std::uint64_t k_max_page_bytes = 64ULL << 20U;

std::string unescaped(std::string_view html) {
  std::string text(html);
  for (auto at = text.find("&amp;"); at != std::string::npos; at = text.find("&amp;", at + 1))
    text.replace(at, 5, "&");
  return text;
}

// The last part of a URL's path, without query and fragment.
std::string_view file_name_of(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

std::optional<std::string> find_link(std::string_view page, std::string_view file_name) {
  constexpr std::string_view k_href = "href=";
  for (auto at = page.find(k_href); at != std::string_view::npos; at = page.find(k_href, at)) {
    at += k_href.size();
    if (at >= page.size() || (page[at] != '"' && page[at] != '\'')) continue;
    const auto end = page.find(page[at], at + 1);
    if (end == std::string_view::npos) break;
    std::string link = unescaped(page.substr(at + 1, end - at - 1));
    if (file_name_of(link) == file_name) return link;
    at = end;
  }
  return std::nullopt;
}

}  // namespace

std::string package_index_url(const Environment& environment) {
  for (const char* variable : {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"})
    if (const auto url = environment.find_filled(variable)) {
      // UV_DEFAULT_INDEX may be "name=URL".
      return std::string(looks_like_uri(*url) ? *url : url->substr(url->find('=') + 1));
    }
  return "https://pypi.org/simple";
}

Result<std::string> find_package_file(std::string_view index_url, std::string_view project,
                                      std::string_view file_name, HttpClient& client) {
  const std::string url = fmt::format("{}/{}/", trim_end(index_url, "/"), project);
  RTENV_TRY(const HttpResponse response, client.send([&]() -> Result<HttpRequest> {
    return HttpRequest{.url = url,
                       .headers = {"Accept: application/vnd.pypi.simple.v1+html, text/html"},
                       .follow_redirects = true,
                       .compressed = true,
                       .max_bytes = k_max_page_bytes};
  }));
  if (!response.succeeded()) return fail_status(response.status, redacted_url(url));
  const auto link = find_link(response.body, file_name);
  if (!link) return fail(Errc::not_found, "{} isn't on {}", file_name, redacted_url(url));
  RTENV_TRY(const Url page, Url::parse(response.final_url));
  const auto target = page.resolve(*link);
  if (!target || is_downgrade(page.origin, target->origin))
    return fail(Errc::unavailable, "{} has a malformed or unencrypted link",
                redacted_url(response.final_url));
  return target->text();
}

}  // namespace rtenv::remote
