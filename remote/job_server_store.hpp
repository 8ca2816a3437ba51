// Packages that a job server holds, gcs://NAME: GET and PUT /api/packages/gcs/NAME of Ray's job API
// (2.60), see job_server.hpp.
//
// Ray only says whether it has a package: it can be written and looked for, but not read back.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: invalid_argument (an address that isn't an http URL, headers that aren't JSON).
Result<std::unique_ptr<ObjectStore>> open_job_server_store(Environment environment,
                                                           const Cancellation* cancellation);

}  // namespace rtenv::remote
