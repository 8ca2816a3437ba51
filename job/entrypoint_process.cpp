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
  std::error_code gone;
  if (spawn.working_dir.empty() && std::filesystem::is_directory(place.start_folder, gone))
    spawn.working_dir = place.start_folder;
  const JobLimits& limits = order.limits;
  if (limits.memory_bytes) spawn.limits.push_back({RLIMIT_DATA, *limits.memory_bytes});
  if (limits.open_files) spawn.limits.push_back({RLIMIT_NOFILE, *limits.open_files});
  if (!order.sandbox) return ChildProcess::spawn(spawn);
  spawn.keep_fds.clear();  // bwrap would give the lock of the leases to the job
  SandboxFolders folders = place.sandbox;
  if (place.prepared != nullptr) {
    for (Path& path : place.prepared->interpreter_paths())
      folders.readable.push_back(std::move(path));
    folders.own = place.prepared->readable_folders();
    folders.writable = place.prepared->writable_folders();
  }
  RTENV_TRY(const auto sandboxed,
            in_sandbox(std::move(spawn), folders,
                       {.mark = job_mark(order.run),
                        .has_network = order.sandbox->has_network,
                        // A stopped shell ends before its programs, which may need their time.
                        .ends_at_once = false}));
  return ChildProcess::spawn(sandboxed.spawn);
}

std::string_view sandbox_notice(const JobOrder& order, int exit_code) {
  constexpr int k_not_executable = 126;
  constexpr int k_not_found = 127;
  if (!order.sandbox || (exit_code != k_not_executable && exit_code != k_not_found)) return {};
  return "this server runs jobs in a sandbox: home directories, /tmp and /run are empty there but "
         "for what the server shows";
}

}  // namespace rtenv::job
