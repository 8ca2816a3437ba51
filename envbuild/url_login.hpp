// The user info of URLs in lists of requirements: "https://USER:PASSWORD@HOST:PORT/…".
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

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

inline constexpr std::string_view k_url_separator = "://";

/// The scheme of the URL whose "://" is at `at`, in lower case: "git+https".
std::string scheme_before(std::string_view text, std::size_t at);

/// Of the URL whose text after "://" begins here.
UrlAuthority authority_of(std::string_view after_scheme);

/// Replaces a file by what `change` makes of its text, readable by its owner only. Leaves an
/// unchanged one alone. Fails: as `change`, and as reading and writing it.
Result<void> change_list(const Path& file,
                         const std::function<Result<std::string>(std::string_view)>& change);

}  // namespace rtenv::envbuild
