#include "job/entrypoint_process.hpp"

#include <sys/resource.h>

#include "base/sandbox.hpp"
#include "job/setup.hpp"

namespace rtenv::job {

Result<ChildProcess> spawn_entrypoint(const JobOrder& order, Environment environment,
                                      const EntrypointPlace& place) {
  SpawnOptions spawn{.argv = {"/bin/sh", "-c", order.entrypoint},
                     .environment = std::move(environment),
                     .output_fd = place.output_fd,
                     .null_input = true,
                     .own_session = true};
  if (place.prepared != nullptr) {
    spawn.working_dir = place.prepared->working_dir();
    spawn.keep_fds = place.prepared->keep_fds();
    spawn.prepare_child = place.prepared->prepare_child();
  }
  const JobLimits& limits = order.limits;
  if (limits.memory_bytes) spawn.limits.push_back({RLIMIT_DATA, *limits.memory_bytes});
  if (limits.open_files) spawn.limits.push_back({RLIMIT_NOFILE, *limits.open_files});
  if (!place.hidden) return ChildProcess::spawn(spawn);
  SandboxFolders folders{
      .cache = place.cache_root, .readable = {}, .writable = {}, .hidden = *place.hidden};
  if (place.prepared != nullptr) {
    folders.readable = place.prepared->readable_folders();
    folders.writable = place.prepared->writable_folders();
  }
  RTENV_TRY(const auto sandboxed, in_sandbox(std::move(spawn), folders, job_mark(order.run)));
  return ChildProcess::spawn(sandboxed.spawn);
}

}  // namespace rtenv::job
