// Packages that a job server holds, gcs://NAME: GET and PUT /api/packages/gcs/NAME of Ray's job API (2.60) at
// RAY_API_SERVER_ADDRESS, else RAY_ADDRESS, else http://127.0.0.1:8265. Token: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or
// ~/.ray/auth_token; more headers: RAY_JOB_HEADERS (a JSON object).
//
// Ray only says whether it has a package: it can be written and looked for, but not read back.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: invalid_argument (an address that isn't an http URL, headers that aren't JSON).
Result<std::unique_ptr<ObjectStore>> open_job_server_store(Environment environment, const Cancellation* cancellation);

}  // namespace rtenv::remote
