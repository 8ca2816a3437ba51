// Who asks Amazon (or a store that speaks its language), found in the order of its own tools:
//
//   variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); a role of the profile
//   (role_arn with source_profile, credential_source or web_identity_token_file); web identity by
//   variables; the profile's keys; its credential_process; the container's endpoint; the instance's
//   metadata service; nobody (unsigned).
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "remote/aws_profile.hpp"
#include "remote/http.hpp"

namespace rtenv::remote {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;                                        // empty: none
  std::optional<std::chrono::system_clock::time_point> expires_at;  // nothing: never
};

/// Finds credentials once and again when they are about to expire. Thread-safe.
class AwsCredentialChain {
 public:
  AwsCredentialChain(AwsProfile profile, HttpClient& client)
      : profile_(std::move(profile)), client_(client) {}

  /// Nothing: there are none, requests go unsigned. Fails: where a source that was named can't be
  /// used: not_found, permission_denied, invalid_argument, unavailable.
  Result<std::optional<AwsCredentials>> get();

 private:
  AwsProfile profile_;
  HttpClient& client_;
  std::mutex mutex_;
  bool asked_ = false;
  std::optional<AwsCredentials> cached_;
};

}  // namespace rtenv::remote
