#include "cli/store_options.hpp"

namespace rtenv::cli {
namespace {

using remote::Scheme;

// The variable that says the same.
const char* endpoint_variable(Scheme scheme) {
  switch (scheme) {
    case Scheme::s3: return "AWS_ENDPOINT_URL_S3";
    case Scheme::gs: return "STORAGE_EMULATOR_HOST";
    default: return "AZURE_STORAGE_SERVICE_ENDPOINT";
  }
}

}  // namespace

remote::StoreOptions store_options(const Tool& tool) {
  return {.environment = tool.environment, .cancellation = tool.cancellation};
}

void StoreFlags::declare_address(const Command& command) {
  limited.add(command
                  .add_option("--address", address,
                              "The job server of gcs:// URIs [RAY_API_SERVER_ADDRESS; RAY_ADDRESS]")
                  .value_name("URL"),
              {InputKind::gcs_uri});
}

void StoreFlags::declare(const Command& command) {
  limited.add(command
                  .add_option("--endpoint-url", endpoint_url,
                              "The store's URL, of s3, gs and azure [AWS_ENDPOINT_URL; "
                              "STORAGE_EMULATOR_HOST; AZURE_STORAGE_SERVICE_ENDPOINT]")
                  .value_name("URL"),
              {InputKind::s3_uri, InputKind::gs_uri, InputKind::azure_uri, InputKind::abfss_uri});
  limited.add(
      command
          .add_option("--profile", profile,
                      "The AWS profile, of s3; keys in variables don't count then [AWS_PROFILE]")
          .value_name("NAME"),
      {InputKind::s3_uri});
  limited.add(
      command.add_option("--region", region, "The region, of s3 [AWS_REGION]").value_name("NAME"),
      {InputKind::s3_uri});
  limited.add(
      command.add_flag("--no-sign-request", no_sign_request,
                       "Send no credentials: for public objects of s3, gs, azure and web servers"),
      {InputKind::s3_uri, InputKind::gs_uri, InputKind::azure_uri, InputKind::abfss_uri,
       InputKind::http_uri, InputKind::https_uri});
}

Result<void> StoreFlags::set_variables(Variables& variables, const remote::Uri& uri) const {
  RTENV_TRY(limited.check(kind_of(uri), uri.shown()));
  const auto set = [&](const std::string& value, const char* variable) {
    if (value.empty()) return;
    Environment base(std::move(variables));
    variables = remote::with_variables(std::move(base), {{variable, value}}).values();
  };
  set(profile, "AWS_PROFILE");
  set(region, "AWS_REGION");
  set(endpoint_url, endpoint_variable(uri.scheme));
  set(address, "RAY_API_SERVER_ADDRESS");
  return {};
}

}  // namespace rtenv::cli
