#include "remote/object_store.hpp"

#include <algorithm>
#include <array>

#include "remote/azure_store.hpp"
#include "remote/file_store.hpp"
#include "remote/gs_store.hpp"
#include "remote/job_server_store.hpp"
#include "remote/s3_store.hpp"
#include "remote/web_store.hpp"

namespace rtenv::remote {
namespace {

struct Family {
  std::vector<std::string_view> credentials;   // belong together
  std::vector<std::string_view> destinations;  // say where they are sent
  // Without credentials, no other source is asked for them.
  std::vector<std::pair<const char*, const char*>> anonymous;
};

const std::array<Family, 5> k_families{{
    {.credentials = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                     "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
                     "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                     "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"},
     // A file with profiles may contain endpoints.
     .destinations = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS",
                      "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONFIG_FILE",
                      "AWS_SHARED_CREDENTIALS_FILE", "HOME"},
     .anonymous = {{"AWS_EC2_METADATA_DISABLED", "true"},
                   {"AWS_CONFIG_FILE", "/dev/null"},
                   {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"}}},
    {.credentials = {"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"},
     .destinations = {"STORAGE_EMULATOR_HOST", "GCE_METADATA_HOST"},
     .anonymous = {{"GOOGLE_APPLICATION_CREDENTIALS", "/dev/null"}}},
    {.credentials = {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT",
                     "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"},
     .destinations = {"AZURE_STORAGE_SERVICE_ENDPOINT"},
     .anonymous = {}},
    {.credentials = {"RAY_RUNTIME_ENV_BEARER_TOKEN", "NETRC"},
     .destinations = {},
     .anonymous = {{"NETRC", "/dev/null"}}},
    {.credentials = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_JOB_HEADERS"},
     .destinations = {"RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"},
     .anonymous = {{"RAY_AUTH_TOKEN_PATH", "/dev/null"}}},
}};

// With these, others can read what is sent, wherever that is.
constexpr std::array<std::string_view, 4> k_transport{"RTENV_TLS_VERIFY", "SSL_CERT_FILE",
                                                      "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"};

constexpr std::array<std::string_view, 7> k_settings{"AWS_REGION",
                                                     "AWS_DEFAULT_REGION",
                                                     "AWS_EC2_METADATA_DISABLED",
                                                     "RAY_RUNTIME_ENV_HTTP_USER_AGENT",
                                                     "RTENV_NETWORK_TIMEOUT",
                                                     "RTENV_NETWORK_MIN_RATE",
                                                     "RTENV_NETWORK_DEADLINE"};

bool contains(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// What the stores read. The rest of a job's variables isn't for them: a credential_process of the
// machine's owner would run with the job's LD_PRELOAD.
bool is_for_stores(std::string_view name) {
  return contains(k_transport, name) || contains(k_settings, name) ||
         std::ranges::any_of(k_families, [&](const Family& family) {
           return contains(family.credentials, name) || contains(family.destinations, name);
         });
}

bool has_credentials(const std::map<std::string, std::string>& variables, const Family& family) {
  return std::ranges::any_of(
      variables, [&](const auto& each) { return contains(family.credentials, each.first); });
}

void remove_credentials(Environment& environment, const Family& family) {
  for (const std::string_view name : family.credentials) environment.unset(name);
}

}  // namespace

Environment with_variables(Environment base, const std::map<std::string, std::string>& variables) {
  for (const Family& family : k_families)
    if (has_credentials(variables, family)) remove_credentials(base, family);
  for (const auto& [name, value] : variables) base.set(name, value);
  return base;
}

Environment with_job_variables(Environment node, std::map<std::string, std::string> variables) {
  std::erase_if(variables, [](const auto& each) { return !is_for_stores(each.first); });
  const auto is_changed = [before = node, &variables](std::string_view name) {
    const auto found = variables.find(std::string(name));
    return found != variables.end() && before.find(name) != found->second;
  };
  const bool transport_changes = std::ranges::any_of(k_transport, is_changed);
  for (const Family& family : k_families) {
    const bool redirected =
        transport_changes || std::ranges::any_of(family.destinations, is_changed);
    if (redirected || has_credentials(variables, family)) remove_credentials(node, family);
    if (!redirected) continue;
    for (const auto& [name, value] : family.anonymous) node.set(name, value);
  }
  for (const auto& [name, value] : variables) node.set(name, value);
  return node;
}

Result<std::unique_ptr<ObjectStore>> open_store(const Uri& uri, const StoreOptions& options) {
  Environment environment = with_job_variables(options.environment, options.job_variables);
  if (options.credentials) {
    RTENV_TRY(const auto provided, options.credentials(uri));
    environment = with_variables(std::move(environment), provided);
  }
  RTENV_TRY(transfer_limits(environment));
  switch (uri.scheme) {
    case Scheme::s3:
      return open_s3_store(std::move(environment), options.access, options.cancellation);
    case Scheme::gs:
      return open_gs_store(std::move(environment), options.access, options.cancellation);
    case Scheme::azure:
    case Scheme::abfss:
      return open_azure_store(uri, std::move(environment), options.access, options.cancellation);
    case Scheme::http:
    case Scheme::https:
      return open_web_store(std::move(environment), options.access, options.cancellation);
    case Scheme::file: return open_file_store(options.cancellation);
    case Scheme::gcs: return open_job_server_store(std::move(environment), options.cancellation);
    case Scheme::local: break;
  }
  return fail(Errc::invalid_argument,
              "{} is a directory that is used in place, not an object store", uri.shown())
      .hint("name an object by file://");
}

}  // namespace rtenv::remote
