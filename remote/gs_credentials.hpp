// Access tokens for Google Cloud, looked up in the order of its own libraries: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, gcloud's application default credentials, the machine's
// metadata server; otherwise requests are anonymous. A file holds either a service account's key (a
// signed JWT is exchanged for a token) or an authorized user's refresh token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remote/http.hpp"

namespace rtenv::remote {

struct GsToken {
  std::string access_token;
  std::string quota_project;                 // billed instead of the bucket's project; empty: none
  std::optional<std::int64_t> expires_at_s;  // Unix time
};

/// nullopt: anonymous. Fails if configured credentials can't be used: not_found, invalid_argument,
/// permission_denied, unavailable, cancelled.
Result<std::optional<GsToken>> find_gs_token(HttpClient& client);

}  // namespace rtenv::remote
