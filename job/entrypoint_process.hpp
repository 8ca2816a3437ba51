// The process of a job's entrypoint.
#pragma once

#include <optional>
#include <string_view>

#include "base/process.hpp"
#include "job/job_order.hpp"

namespace rtenv::job {

class PreparedJob;

struct EntrypointPlace {
  const PreparedJob* prepared = nullptr;  // null: nothing had to be prepared
  Path start_folder = {};  // where it begins without a working_dir; "/" if that is gone
  SandboxFolders sandbox;  // of a sandboxed one: what isn't the job's own
  int output_fd = -1;
};

/// Starts it in a session of its own. Fails: as ChildProcess::spawn and in_sandbox.
Result<ChildProcess> spawn_entrypoint(const JobOrder& order, Environment environment,
                                      const EntrypointPlace& place);

/// What the log should say if an entrypoint ended with this exit code because a program wasn't
/// found: whoever submits a job may not know that it is sandboxed. Empty: nothing.
std::string_view sandbox_notice(const JobOrder& order, int exit_code);

}  // namespace rtenv::job
