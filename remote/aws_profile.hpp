// The settings of one AWS profile, read from the files that the AWS tools share: ~/.aws/config and
// ~/.aws/credentials, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE. Format:
// docs.aws.amazon.com/cli, "Configuration and credential file settings".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "remote/store_names.hpp"

namespace rtenv::remote {

/// Settings by name; nested ones as "s3.addressing_style". The credentials file takes precedence
/// over the config file.
using AwsProfile = std::map<std::string, std::string, std::less<>>;

/// AWS_PROFILE, else "default".
std::string aws_profile_name(const Environment& environment);

/// The profile's settings, and those of the [services] section that it names, as
/// "s3.endpoint_url". Fails: not_found (neither file has the profile, and it isn't "default"),
/// invalid_argument (a malformed file), permission_denied (an unreadable file).
Result<AwsProfile> load_aws_profile(std::string_view profile, const Environment& environment);

/// nullopt if it isn't set or is empty.
std::optional<std::string> find_setting(const AwsProfile& profile, std::string_view name);

/// The first that is set of AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's endpoint of
/// the service, and the profile's endpoint.
std::optional<std::string> aws_endpoint(std::string_view service, const AwsProfile& profile,
                                        const Environment& environment);

/// Amazon's own endpoint.
std::string aws_service_url(std::string_view service, const AwsRegion& region);

/// AWS_REGION, else AWS_DEFAULT_REGION, else the profile's region, else us-east-1. Fails:
/// invalid_argument (no region can have that name).
Result<AwsRegion> aws_region(const AwsProfile& profile, const Environment& environment);

}  // namespace rtenv::remote
