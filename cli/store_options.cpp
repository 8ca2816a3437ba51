#include "cli/store_options.hpp"

namespace rtenv::cli {
namespace {

using remote::Scheme;

// The variable that says the same; nullptr if the store has no such setting.
const char* endpoint_variable(Scheme scheme) {
  switch (scheme) {
    case Scheme::s3: return "AWS_ENDPOINT_URL_S3";
    case Scheme::gs: return "STORAGE_EMULATOR_HOST";
    case Scheme::azure:
    case Scheme::abfss: return "AZURE_STORAGE_SERVICE_ENDPOINT";
    default: return nullptr;
  }
}

const char* for_s3(Scheme scheme, const char* variable) {
  return scheme == Scheme::s3 ? variable : nullptr;
}

bool has_credentials(Scheme scheme) {
  return endpoint_variable(scheme) != nullptr || scheme == Scheme::http || scheme == Scheme::https;
}

Failure fail_option(const char* option, Scheme scheme) {
  auto failure =
      fail(Errc::invalid_argument, "{} has no meaning for {}:// URIs", option, name(scheme));
  if (scheme == Scheme::gcs)
    return std::move(failure).hint("--address names the job server; RAY_AUTH_TOKEN is its token");
  return failure;
}

}  // namespace

remote::StoreOptions store_options(const Tool& tool) {
  return {.environment = tool.environment, .cancellation = tool.cancellation};
}

void StoreFlags::declare_address(const Command& command) {
  command
      .add_option("--address", address,
                  "The job server of gcs:// URIs [RAY_API_SERVER_ADDRESS; RAY_ADDRESS]")
      .value_name("URL");
}

void StoreFlags::declare(const Command& command) {
  command
      .add_option("--endpoint-url", endpoint_url,
                  "The store's URL, of s3, gs and azure [AWS_ENDPOINT_URL; STORAGE_EMULATOR_HOST; "
                  "AZURE_STORAGE_SERVICE_ENDPOINT]")
      .value_name("URL");
  command
      .add_option("--profile", profile,
                  "The AWS profile, of s3; keys in variables don't count then [AWS_PROFILE]")
      .value_name("NAME");
  command.add_option("--region", region, "The region, of s3 [AWS_REGION]").value_name("NAME");
  command.add_flag("--no-sign-request", no_sign_request,
                   "Send no credentials: for public objects of s3, gs, azure and web servers");
}

Result<remote::StoreOptions> StoreFlags::options(const Tool& tool, const remote::Uri& uri) const {
  remote::StoreOptions options = store_options(tool);
  const auto set = [&](const char* option, const std::string& value,
                       const char* variable) -> Result<void> {
    if (value.empty()) return {};
    if (variable == nullptr) return fail_option(option, uri.scheme);
    options.environment =
        remote::with_variables(std::move(options.environment), {{variable, value}});
    return {};
  };
  RTENV_TRY(set("--profile", profile, for_s3(uri.scheme, "AWS_PROFILE")));
  RTENV_TRY(set("--region", region, for_s3(uri.scheme, "AWS_REGION")));
  RTENV_TRY(set("--endpoint-url", endpoint_url, endpoint_variable(uri.scheme)));
  if (no_sign_request && !has_credentials(uri.scheme))
    return fail_option("--no-sign-request", uri.scheme);
  if (no_sign_request) options.access = remote::Access::anonymous;
  if (!address.empty()) options.environment.set("RAY_API_SERVER_ADDRESS", address);
  return options;
}

}  // namespace rtenv::cli
