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

struct AwsProfile {
  std::string name;
  /// The files that have it, for messages; empty if none has.
  std::string files;
  /// By name; nested ones as "s3.addressing_style". The credentials file takes precedence over the
  /// config file, with all of its keys or none: those of two files don't mix.
  std::map<std::string, std::string, std::less<>> settings;

  /// "the AWS profile 'ci' in /home/u/.aws/config"
  [[nodiscard]] std::string shown() const;
};

/// The profile's settings, and those of the [services] section that it names, as
/// "s3.endpoint_url". Fails: not_found (neither file has the profile), invalid_argument (a
/// malformed file), permission_denied (an unreadable file).
Result<AwsProfile> load_aws_profile(std::string_view profile, const Environment& environment);

/// The profile of AWS_PROFILE, else "default", which no file needs to have. Fails: as
/// load_aws_profile.
Result<AwsProfile> current_aws_profile(const Environment& environment);

struct AwsKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
};

/// The keys of the variables AWS_ACCESS_KEY_ID, …; of the profile. nullopt: there are none. Fails:
/// invalid_argument (one key of the pair is missing).
Result<std::optional<AwsKeys>> keys_of(const Environment& environment);
Result<std::optional<AwsKeys>> keys_of(const AwsProfile& profile);

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
