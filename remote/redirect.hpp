// Redirects between HTTP requests: which are followed, and what of a request survives them.
// Thread-safe: no state.
#pragma once

#include <string>

#include "remote/http.hpp"

namespace rtenv::remote {

bool is_redirect(int status) noexcept;

/// Whether the request allows it and reads only. An upload, or a request for credentials, isn't
/// sent to where the server says.
bool follows_redirects(const HttpRequest& request) noexcept;

/// The request for the URL that the response to `request` redirects to: its Location, which may be
/// relative. To another origin it has no
/// credentials and no headers except those that say what is wanted, unless NETRC has an entry for
/// that host and it is reached by https at its usual port. Fails: permission_denied (from https to
/// http), invalid_argument (no Location, or what isn't an http URL), and as Url::parse for the
/// request's own URL.
Result<HttpRequest> redirected(const HttpRequest& request, std::string_view location);

}  // namespace rtenv::remote
