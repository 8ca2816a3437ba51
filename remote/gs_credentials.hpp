// Access tokens for Google Cloud, looked up in the order of its own libraries: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, gcloud's application default credentials, the machine's
// metadata server; otherwise requests are anonymous. A file holds either a service account's key (a
// signed JWT is exchanged for a token) or an authorized user's refresh token.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "remote/http.hpp"

namespace rtenv::remote {

struct GsToken {
  std::string access_token;
  std::string quota_project;  // billed instead of the bucket's project; empty: none
  std::chrono::system_clock::time_point expires_at;
};

/// Gets a token when it is first needed and again shortly before it expires. Thread-safe. `client`
/// must outlive it.
class GsTokenSource {
 public:
  explicit GsTokenSource(HttpClient& client) : client_(client) {}

  /// nullopt: anonymous. Fails if configured credentials can't be used: not_found,
  /// invalid_argument, permission_denied, unavailable, cancelled.
  Result<std::optional<GsToken>> get();

 private:
  HttpClient& client_;
  std::mutex mutex_;
  bool looked_up_ = false;
  std::optional<GsToken> cached_;
};

}  // namespace rtenv::remote
