#include "remote/credential_sources.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/path_kind.hpp"
#include "remote/aws_profile.hpp"
#include "remote/azure_credentials.hpp"

namespace rtenv::remote {
namespace {

bool are_set(const Environment& environment, std::initializer_list<const char*> names) {
  return std::ranges::all_of(
      names, [&](const char* name) { return environment.find_filled(name).has_value(); });
}

CredentialSource incomplete(std::string_view store, const Error& error) {
  return {.store = store, .found = false, .where = error.message(), .incomplete = true};
}

// The file that the variable names, else the one below HOME if it exists.
std::optional<CredentialSource> file_source(std::string_view store, const Environment& environment,
                                            const char* variable, const char* below_home) {
  if (const auto named = environment.find_filled(variable)) {
    const auto kind = path_kind(*named);
    if (!kind) return incomplete(store, Error(kind.error()).within(variable));
    return CredentialSource{store, true, fmt::format("{}: {}", variable, *named)};
  }
  const auto home = environment.find_filled("HOME");
  const Path file = home ? Path(*home) / below_home : Path();
  if (!home || !path_kind(file)) return std::nullopt;
  return CredentialSource{store, true, file.native()};
}

CredentialSource s3(const Environment& environment) {
  const auto keys = keys_of(environment);
  if (!keys) return incomplete("s3", keys.error());
  if (*keys)
    return {"s3", true,
            (*keys)->session_token.empty() ? "AWS_ACCESS_KEY_ID"
                                           : "AWS_ACCESS_KEY_ID, with a session token"};
  if (are_set(environment, {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"}))
    return {"s3", true, "AWS_WEB_IDENTITY_TOKEN_FILE"};
  const auto profile = current_aws_profile(environment);
  if (!profile) return incomplete("s3", profile.error());
  if (const auto in_profile = keys_of(*profile); !in_profile)
    return incomplete("s3", in_profile.error());
  constexpr std::array k_settings{"aws_access_key_id", "role_arn", "credential_process"};
  for (const char* setting : k_settings)
    if (find_setting(*profile, setting))
      return {"s3", true, fmt::format("{} of the profile '{}'", setting, profile->name)};
  for (const char* variable :
       {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"})
    if (are_set(environment, {variable})) return {"s3", true, variable};
  return {"s3", false, "none; tries the machine's metadata service, else requests are unsigned"};
}

CredentialSource gs(const Environment& environment) {
  return file_source("gs", environment, "GOOGLE_APPLICATION_CREDENTIALS",
                     ".config/gcloud/application_default_credentials.json")
      .value_or(CredentialSource{
          "gs", false, "none; tries the machine's metadata service, else requests are anonymous"});
}

CredentialSource azure(const Environment& environment) {
  constexpr const char* k_connection = "AZURE_STORAGE_CONNECTION_STRING";
  if (are_set(environment, {k_connection})) {
    const Uri any{.scheme = Scheme::azure, .authority = "container", .path = "blob"};
    const auto account = azure_account(any, environment, Access::with_credentials);
    if (!account) return incomplete("azure", account.error());
    return {"azure", true, k_connection};
  }
  for (const char* variable : {"AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"})
    if (are_set(environment, {variable})) return {"azure", true, variable};
  return {"azure", false, "none; requests are anonymous"};
}

CredentialSource http(const Environment& environment) {
  if (are_set(environment, {"RAY_RUNTIME_ENV_BEARER_TOKEN"}))
    return {"http", true, "RAY_RUNTIME_ENV_BEARER_TOKEN"};
  return file_source("http", environment, "NETRC", ".netrc")
      .value_or(CredentialSource{"http", false, "none"});
}

CredentialSource job_server(const Environment& environment) {
  if (are_set(environment, {"RAY_AUTH_TOKEN"})) return {"gcs", true, "RAY_AUTH_TOKEN"};
  return file_source("gcs", environment, "RAY_AUTH_TOKEN_PATH", ".ray/auth_token")
      .value_or(CredentialSource{"gcs", false, "none"});
}

}  // namespace

std::vector<CredentialSource> find_credential_sources(const Environment& environment) {
  return {s3(environment), gs(environment), azure(environment), http(environment),
          job_server(environment)};
}

}  // namespace rtenv::remote
