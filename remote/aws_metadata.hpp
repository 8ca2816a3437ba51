// Credentials that the machine itself hands out: a container's endpoint (ECS, EKS Pod Identity), an
// EC2 instance's metadata service (version 2, else 1).
#pragma once

#include "remote/aws_credentials.hpp"

namespace rtenv::remote {

/// Where AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI is set; else nothing.
Result<std::optional<AwsCredentials>> container_credentials(HttpClient& client);

/// Nothing where this isn't an EC2 instance (or AWS_EC2_METADATA_SERVICE_ENDPOINT isn't set), it
/// has no role, or AWS_EC2_METADATA_DISABLED says so.
Result<std::optional<AwsCredentials>> instance_credentials(HttpClient& client);

/// The JSON that these endpoints and credential_process answer with. `source`: for the message.
Result<AwsCredentials> parse_aws_credentials(std::string_view text, std::string_view source);

/// "2026-01-31T12:00:00Z"; nothing where it isn't one.
std::optional<std::chrono::system_clock::time_point> parse_utc_time(const std::string& text);

}  // namespace rtenv::remote
