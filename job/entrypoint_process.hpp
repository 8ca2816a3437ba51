// The process of a job's entrypoint.
#pragma once

#include <optional>

#include "base/process.hpp"
#include "job/job_order.hpp"

namespace rtenv::job {

class PreparedJob;

struct EntrypointPlace {
  const PreparedJob* prepared = nullptr;  // null: nothing had to be prepared
  SandboxFolders sandbox;                 // of a sandboxed one: what isn't the job's own
  int output_fd = -1;
};

/// Starts it in a session of its own. Fails: as ChildProcess::spawn and in_sandbox.
Result<ChildProcess> spawn_entrypoint(const JobOrder& order, Environment environment,
                                      const EntrypointPlace& place);

}  // namespace rtenv::job
