#include "server/hung_supervisor.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <vector>

#include "base/process_handle.hpp"
#include "base/process_stat.hpp"
#include "base/stream_input.hpp"
#include "job/job_order.hpp"
#include "job/process_tree.hpp"
#include "job/supervise_command.hpp"

namespace rtenv::server {
namespace {

constexpr auto k_kill_time = std::chrono::seconds(5);

struct Process {
  pid_t pid;
  pid_t parent;
  ProcessHandle handle;
};

// The guardian, its child, which is the supervisor, and what that is about to start.
std::vector<Process> supervisors_of(const job::JobFolder& folder) {
  const std::string words =
      fmt::format("{0}{1}{0}{2}{0}", '\0', job::k_supervise, folder.path.native());
  std::vector<Process> found;
  for_each_process([&](pid_t pid) {
    ProcessHandle handle(pid);  // before its command is read
    const std::string command =
        read_file_or_stream(fmt::format("/proc/{}/cmdline", pid)).value_or(std::string());
    const auto program_end = command.find('\0');
    if (!handle.is_open() || program_end == std::string::npos ||
        !std::string_view(command).substr(program_end).starts_with(words))
      return;
    if (const auto stat = process_stat(pid))
      found.push_back({pid, stat->parent, std::move(handle)});
  });
  return found;
}

}  // namespace

bool is_readable(const Fd& connection) noexcept {
  pollfd entry{.fd = connection.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

void kill_supervisor(const job::JobFolder& folder) {
  const auto processes = supervisors_of(folder);
  for (const Process& process : processes) {
    const bool is_guardian =
        std::ranges::find(processes, process.parent, &Process::pid) == processes.end();
    process.handle.signal(is_guardian ? SIGCONT : SIGKILL);
  }
}

bool kill_processes(const job::JobFolder& folder, std::chrono::milliseconds time_limit) {
  const std::string run = folder.run();
  job::ProcessMarks marks{.variable = job::job_mark(run)};
  if (const auto state = folder.read_state(); state && *state && (*state)->run == run) {
    marks.session = (*state)->entrypoint_pid;
    marks.session_start_ticks = (*state)->entrypoint_start_ticks;
  }
  return job::kill_marked(marks, time_limit);
}

void kill_all_of_job(const job::JobFolder& folder) {
  for (const Process& process : supervisors_of(folder)) process.handle.signal(SIGKILL);
  kill_processes(folder, k_kill_time);
}

}  // namespace rtenv::server
