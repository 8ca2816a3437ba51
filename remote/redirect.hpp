// Redirects between HTTP requests: which statuses are one, and which credentials survive it.
// Thread-safe: no state.
#pragma once

#include <string>

#include "remote/http.hpp"

namespace rtenv::remote {

bool is_redirect(int status) noexcept;

/// Points `request` to `next_url`. A bearer token and the URL's user info stay with the origin
/// (scheme, host and port) that they were given for.
void follow_redirect(HttpRequest& request, std::string next_url);

}  // namespace rtenv::remote
