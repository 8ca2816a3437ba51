// Credentials that the machine provides: the endpoint of a container (ECS, EKS Pod Identity), the
// metadata service of an EC2 instance (version 2, else 1).
#pragma once

#include "remote/aws_credentials.hpp"

namespace rtenv::remote {

/// nullopt unless AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI is set. Fails: as
/// HttpClient::send, fail_status and parse_aws_credentials; invalid_argument (a URL that isn't the
/// machine's own); not_found (the token file).
Result<std::optional<AwsCredentials>> container_credentials(HttpClient& client);

/// nullopt if AWS_EC2_METADATA_DISABLED is set, if the instance has no role, or if this is no EC2
/// instance and AWS_EC2_METADATA_SERVICE_ENDPOINT isn't set. Fails: as HttpClient::send,
/// fail_status and parse_aws_credentials.
Result<std::optional<AwsCredentials>> instance_credentials(HttpClient& client);

/// Parses the JSON that these endpoints and credential_process return. `source` names it in the
/// message. Fails: permission_denied (it contains no keys).
Result<AwsCredentials> parse_aws_credentials(std::string_view text, std::string_view source);

}  // namespace rtenv::remote
