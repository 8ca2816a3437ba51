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

// Credentials that belong together.
const std::array<std::vector<std::string_view>, 3> k_families{{
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
     "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
     "AWS_CONTAINER_CREDENTIALS_FULL_URI"},
    {"GOOGLE_APPLICATION_CREDENTIALS"},
    {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY",
     "AZURE_STORAGE_SAS_TOKEN"},
}};

}  // namespace

Environment with_variables(Environment base, const std::map<std::string, std::string>& variables) {
  for (const auto& family : k_families)
    if (std::ranges::any_of(
            family, [&](std::string_view name) { return variables.contains(std::string(name)); }))
      for (const std::string_view name : family) base.unset(name);
  for (const auto& [name, value] : variables) base.set(name, value);
  return base;
}

Result<std::unique_ptr<ObjectStore>> open_store(const Uri& uri, const StoreOptions& options) {
  Environment environment = with_variables(options.environment, options.job_variables);
  if (options.credentials) {
    RTENV_TRY(const auto provided, options.credentials(uri));
    environment = with_variables(std::move(environment), provided);
  }
  switch (uri.scheme) {
    case Scheme::s3: return open_s3_store(std::move(environment), options.cancellation);
    case Scheme::gs: return open_gs_store(std::move(environment), options.cancellation);
    case Scheme::azure:
    case Scheme::abfss: return open_azure_store(uri, std::move(environment), options.cancellation);
    case Scheme::http:
    case Scheme::https: return open_web_store(std::move(environment), options.cancellation);
    case Scheme::file: return open_file_store();
    case Scheme::gcs: return open_job_server_store(std::move(environment), options.cancellation);
    case Scheme::local: break;
  }
  return fail(Errc::invalid_argument,
              "{} is a directory that is used in place, not an object store", uri.shown());
}

}  // namespace rtenv::remote
