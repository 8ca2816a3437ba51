// The AWS tools' shared files, ~/.aws/config and ~/.aws/credentials (or where AWS_CONFIG_FILE and
// AWS_SHARED_CREDENTIALS_FILE say), as one profile's settings. Format: docs.aws.amazon.com/cli,
// "Configuration and credential file settings".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"

namespace rtenv::remote {

/// Settings by name; those of a nested section as "s3.addressing_style". The credentials file wins
/// over the config file.
using AwsProfile = std::map<std::string, std::string, std::less<>>;

/// AWS_PROFILE, else "default".
std::string aws_profile_name(const Environment& environment);

/// Endpoints of a [services] section that the profile names are in it as "s3.endpoint_url".
/// Fails: not_found where a profile other than "default" isn't in either file; invalid_argument (a
/// file that isn't one).
Result<AwsProfile> load_aws_profile(std::string_view profile, const Environment& environment);

/// Nothing where it isn't set, or is empty.
std::optional<std::string> find_setting(const AwsProfile& profile, std::string_view name);

/// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's for the service, the profile's; in
/// this order.
std::optional<std::string> aws_endpoint(std::string_view service, const AwsProfile& profile,
                                        const Environment& environment);

/// AWS_REGION, AWS_DEFAULT_REGION, the profile's; else us-east-1.
std::string aws_region(const AwsProfile& profile, const Environment& environment);

}  // namespace rtenv::remote
