// The sandbox of a server's jobs. Internal to this folder.
#pragma once

#include "base/sandbox.hpp"
#include "rtenv/job_server.hpp"

namespace rtenv::api {

/// Hides the server's secrets. `environment`: of the supervisors. Fails: not_found (what is to be
/// shown), as try_sandbox.
Result<SandboxPolicy> sandbox_policy(const JobSandbox& sandbox, const std::vector<Path>& secrets,
                                     const Environment& environment);

}  // namespace rtenv::api
