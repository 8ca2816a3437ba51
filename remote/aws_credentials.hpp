// Credentials for Amazon S3 and compatible stores, looked up in the order of Amazon's own tools:
//
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. web identity by AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, unless AWS_PROFILE is set
//   3. the profile: its role (role_arn with web_identity_token_file, source_profile or
//      credential_source), else its keys, else its credential_process
//   4. the container's endpoint
//   5. the instance's metadata service
//   6. none: requests are unsigned, unless AWS_PROFILE names a profile that was to have some
//
// What is there in part (one key of a pair, a token file without a role, a way to log in that isn't
// supported) is an error, not a reason to look elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remote/aws_profile.hpp"
#include "remote/http.hpp"

namespace rtenv::remote {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;                 // empty: none
  std::optional<std::int64_t> expires_at_s;  // Unix time; nullopt: never
};

/// nullopt: there are none, requests are unsigned. Fails if a configured source can't be used:
/// not_found, permission_denied, invalid_argument, unavailable, cancelled.
Result<std::optional<AwsCredentials>> find_aws_credentials(const AwsProfile& profile,
                                                           HttpClient& client);

}  // namespace rtenv::remote
