#include "remote/redirect.hpp"

#include <string_view>
#include <utility>

namespace rtenv::remote {
namespace {

// The parts of a URL that decide whether credentials may be sent there.
struct Origin {
  std::string_view scheme;  // with "://"
  std::string_view user_info;
  std::string_view host;  // with the port

  explicit Origin(std::string_view url) {
    const auto scheme_end = url.find("://");
    scheme = url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end + 3);
    host = url.substr(scheme.size(), url.find_first_of("/?#", scheme.size()) - scheme.size());
    if (const auto at = host.rfind('@'); at != std::string_view::npos) {
      user_info = host.substr(0, at + 1);
      host.remove_prefix(at + 1);
    }
  }
  [[nodiscard]] bool is_same(const Origin& other) const {
    return scheme == other.scheme && host == other.host;
  }
};

}  // namespace

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void follow_redirect(HttpRequest& request, std::string next_url) {
  const Origin from(request.url);
  const Origin to(next_url);
  if (!to.is_same(from))
    request.bearer.clear();
  else if (to.user_info.empty())
    next_url.insert(to.scheme.size(), from.user_info);
  request.url = std::move(next_url);
}

}  // namespace rtenv::remote
