// The user info of URLs in lists of requirements: "https://USER:PASSWORD@HOST:PORT/…".
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::envbuild {

struct UrlLogin {
  std::string user;  // decoded, as the password
  std::string password;
  friend auto operator<=>(const UrlLogin&, const UrlLogin&) = default;
};

struct UrlAuthority {
  std::string_view user_info;  // as written; empty: none
  std::string_view host_and_port;

  [[nodiscard]] UrlLogin login() const;
  [[nodiscard]] std::string host() const {
    return std::string(host_and_port.substr(0, host_and_port.find(':')));
  }
};

/// A URL in a text, of which it has views.
struct UrlInText {
  std::string scheme;             // in lower case: "git+https"
  std::string_view before;        // the text up to it
  std::string_view after_scheme;  // from its authority to the end of the text
  UrlAuthority authority;

  [[nodiscard]] bool is_http() const { return scheme == "http" || scheme == "https"; }
};
std::vector<UrlInText> urls_in(std::string_view text);

/// The text without the user info, and its '@', of some of its URLs, which are in their order.
std::string without_user_info(std::string_view text, const std::vector<UrlInText>& urls);

/// Replaces a file by what `change` makes of its text, readable by its owner only. Leaves an
/// unchanged one alone. Fails: as `change`, and as reading and writing it.
Result<void> change_list(const Path& file,
                         const std::function<Result<std::string>(std::string_view)>& change);

}  // namespace rtenv::envbuild
