// What a job server needs of this machine for a job. Internal to this folder.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "rtenv/transfer.hpp"

namespace rtenv::api {

/// Checks a runtime_env, and replaces in it the lists that requirements files hold. Fails:
/// invalid_argument (with the field), not_found (a file).
Result<nlohmann::json> checked_runtime_env(nlohmann::json runtime_env, const Path& base);

/// Uploads the local directories and files that a checked runtime_env names, and returns it with
/// the URIs that they have there. `options`: of the job server. Fails: as push.
Result<nlohmann::json> upload_runtime_env(nlohmann::json runtime_env, PushOptions options);

}  // namespace rtenv::api
