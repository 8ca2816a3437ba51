// Access tokens for Google Cloud, found in the order of its own libraries: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, gcloud's application default credentials, the metadata
// server of the machine; else nobody (anonymous). A file is of a service account (a signed JWT is
// exchanged for a token) or of an authorized user (a refresh token is).
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "remote/http.hpp"

namespace rtenv::remote {

struct GsToken {
  std::string access_token;
  std::string quota_project;  // who is billed; empty: nobody else
  std::chrono::system_clock::time_point expires_at;
};

/// Thread-safe; asks again shortly before a token expires.
class GsTokenSource {
 public:
  explicit GsTokenSource(HttpClient& client) : client_(client) {}

  /// Nothing: anonymous. Fails: where credentials that are there can't be used: not_found,
  /// invalid_argument, permission_denied, unavailable.
  Result<std::optional<GsToken>> get();

 private:
  HttpClient& client_;
  std::mutex mutex_;
  bool asked_ = false;
  std::optional<GsToken> cached_;
};

}  // namespace rtenv::remote
