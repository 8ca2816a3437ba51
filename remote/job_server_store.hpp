// Packages on a job server, gcs://NAME: GET and PUT /api/packages/gcs/NAME of Ray's job API (2.60).
// Address and token: remote/job_server.hpp.
//
// Ray only reports whether it has a package: packages can be uploaded and looked up, but not read.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: as find_job_server.
Result<std::unique_ptr<ObjectStore>> open_job_server_store(Environment environment,
                                                           const Cancellation* cancellation);

}  // namespace rtenv::remote
