#include "server/supervisor_start.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/lock_file.hpp"
#include "base/process.hpp"
#include "base/process_stat.hpp"
#include "job/activation.hpp"
#include "job/control_socket.hpp"
#include "job/supervise_command.hpp"

namespace rtenv::server {

Result<StartedSupervisor> start_supervisor(const job::JobFolder& folder,
                                           const ManagerOptions& options) {
  RTENV_TRY(fault_point("start.begun"));
  RTENV_TRY(make_directories(folder.path));
  if (::chmod(folder.path.c_str(), 0700) != 0) return fail_errno("protect", folder.path.native());
  // Locked before the process exists: a job never looks as if it had no supervisor.
  RTENV_TRY(const auto lock, LockFile::try_acquire(folder.lock()));
  if (!lock) return fail(Errc::unavailable, "the job has a supervisor already");
  RTENV_TRY(fault_point("start.locked"));
  RTENV_TRY(auto sockets, job::make_socket_pair());
  SpawnOptions spawn{.argv = {options.supervisor_program.native(), std::string(job::k_supervise),
                              folder.path.native(), std::to_string(sockets.theirs.get()),
                              std::to_string(lock->fd().get())},
                     .environment = job::without_server_variables(options.environment),
                     .null_input = true,
                     .own_group = false,
                     .keep_fds = {sockets.theirs.get(), lock->fd().get()}};
  Fd messages;
  if (options.supervisor_log) {
    RTENV_TRY(messages,
              open_regular_file(*options.supervisor_log, O_WRONLY | O_CREAT | O_APPEND, 0600));
    spawn.output_fd = messages.get();
  }
  if (options.open_files)
    spawn.limits.push_back(
        {.resource = RLIMIT_NOFILE, .value = *options.open_files, .hard = false});
  RTENV_TRY(auto child, ChildProcess::spawn(spawn));
  pause_point("supervisor.spawned");
  return StartedSupervisor{.connection = std::move(sockets.ours), .pidfd = child.detach()};
}

job::JobOrder order_of(const JobRecord& record, const ManagerOptions& options,
                       const Allocation* allocation) {
  const Demand& demand = record.submission.demand;
  job::JobOrder order{.id = record.id(),
                      .entrypoint = record.submission.entrypoint,
                      .runtime_env = record.submission.runtime_env,
                      .metadata = record.submission.metadata,
                      .python = options.python,
                      .env_max_age = options.env_max_age,
                      .log = options.log,
                      .limits = options.limits,
                      .sandbox = options.sandbox};
  if (demand.memory_bytes > 0)
    order.limits.memory_bytes = static_cast<std::uint64_t>(demand.memory_bytes);
  if (demand.names_gpus) order.gpu_variable = options.node.gpu_variable;
  if (allocation != nullptr) order.start = allocation->gpus;
  return order;
}

namespace {

Fd guardian_among_children(const Fd& connection) {
  ucred supervisor{};
  socklen_t size = sizeof supervisor;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &supervisor, &size) != 0) return {};
  const auto parent = [&] {
    const auto stat = process_stat(supervisor.pid);
    return stat ? stat->parent : 0;
  };
  const pid_t guardian = parent();
  const auto stat = process_stat(guardian);
  if (!stat || stat->parent != ::getpid()) return {};
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, guardian, 0)));
  // If the guardian has ended, its number may be another child's.
  return parent() == guardian ? std::move(pidfd) : Fd();
}

}  // namespace

SupervisorProbe probe_supervisor(const job::JobFolder& folder) {
  const auto lock = LockFile::try_acquire(folder.lock());
  const bool folder_is_gone = !lock && lock.error().code() == Errc::not_found;
  if ((lock && *lock) || folder_is_gone) return {.lives = false, .connection = {}, .guardian = {}};
  auto connection = job::connect_to(folder.control());
  if (!connection) return {.lives = true, .connection = {}, .guardian = {}};
  Fd guardian = guardian_among_children(*connection);
  return {.lives = true, .connection = std::move(*connection), .guardian = std::move(guardian)};
}

}  // namespace rtenv::server
