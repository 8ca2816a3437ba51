#include "remote/credential_sources.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/fd.hpp"
#include "remote/aws_profile.hpp"

namespace rtenv::remote {
namespace {

bool are_set(const Environment& environment, std::initializer_list<const char*> names) {
  return std::ranges::all_of(
      names, [&](const char* name) { return environment.find_filled(name).has_value(); });
}

bool file_exists(const Path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

// The file that the variable names, else the one below HOME if it exists; else empty.
std::string find_file(const Environment& environment, const char* variable,
                      const char* below_home) {
  if (const auto named = environment.find_filled(variable))
    return fmt::format("{}: {}", variable, *named);
  const auto home = environment.find_filled("HOME");
  const Path file = home ? Path(*home) / below_home : Path();
  return home && file_exists(file) ? file.native() : std::string();
}

CredentialSource s3(const Environment& environment) {
  if (are_set(environment, {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}))
    return {"s3", true,
            are_set(environment, {"AWS_SESSION_TOKEN"}) ? "AWS_ACCESS_KEY_ID, with a session token"
                                                        : "AWS_ACCESS_KEY_ID"};
  if (are_set(environment, {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"}))
    return {"s3", true, "AWS_WEB_IDENTITY_TOKEN_FILE"};
  const std::string name = aws_profile_name(environment);
  const auto profile = load_aws_profile(name, environment);
  if (!profile) return {"s3", false, profile.error().message()};
  constexpr std::array k_settings{"aws_access_key_id", "role_arn", "credential_process"};
  for (const char* setting : k_settings)
    if (find_setting(*profile, setting))
      return {"s3", true, fmt::format("{} of the profile '{}'", setting, name)};
  for (const char* variable :
       {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"})
    if (are_set(environment, {variable})) return {"s3", true, variable};
  return {"s3", false, "none; tries the machine's metadata service, else requests are unsigned"};
}

CredentialSource gs(const Environment& environment) {
  std::string file = find_file(environment, "GOOGLE_APPLICATION_CREDENTIALS",
                               ".config/gcloud/application_default_credentials.json");
  if (!file.empty()) return {"gs", true, std::move(file)};
  return {"gs", false, "none; tries the machine's metadata service, else requests are anonymous"};
}

CredentialSource azure(const Environment& environment) {
  for (const char* variable :
       {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"})
    if (are_set(environment, {variable})) return {"azure", true, variable};
  return {"azure", false, "none; requests are anonymous"};
}

CredentialSource http(const Environment& environment) {
  if (are_set(environment, {"RAY_RUNTIME_ENV_BEARER_TOKEN"}))
    return {"http", true, "RAY_RUNTIME_ENV_BEARER_TOKEN"};
  std::string file = find_file(environment, "NETRC", ".netrc");
  if (!file.empty()) return {"http", true, std::move(file)};
  return {"http", false, "none"};
}

CredentialSource job_server(const Environment& environment) {
  if (are_set(environment, {"RAY_AUTH_TOKEN"})) return {"gcs", true, "RAY_AUTH_TOKEN"};
  std::string file = find_file(environment, "RAY_AUTH_TOKEN_PATH", ".ray/auth_token");
  if (!file.empty()) return {"gcs", true, std::move(file)};
  return {"gcs", false, "none"};
}

}  // namespace

std::vector<CredentialSource> find_credential_sources(const Environment& environment) {
  return {s3(environment), gs(environment), azure(environment), http(environment),
          job_server(environment)};
}

}  // namespace rtenv::remote
