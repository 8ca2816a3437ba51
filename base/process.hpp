// Child processes: started with an argument list (never a shell), an environment and a folder of
// their own, waited for with a deadline, ended as a group.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv {

/// How a process ended.
struct ExitState {
  int exit_code = 0;  // valid where signal is 0
  int signal = 0;     // the signal that ended it, or 0
  [[nodiscard]] bool succeeded() const noexcept { return signal == 0 && exit_code == 0; }
  /// As a shell says it: the exit code, or 128 + the signal.
  [[nodiscard]] int shell_status() const noexcept { return signal != 0 ? 128 + signal : exit_code; }
  /// "exit code 3" or "signal 9 (Killed)".
  [[nodiscard]] std::string describe() const;
};

/// Of setrlimit(2): what the process can't have more of. One that is above the caller's own hard
/// limit counts as that.
struct ResourceLimit {
  int resource = 0;  // RLIMIT_…
  std::uint64_t value = 0;
};

struct SpawnOptions {
  std::vector<std::string>
      argv;  // argv[0]: looked up in the environment's PATH, or a path as seen from working_dir
  Environment environment;
  Path working_dir;             // empty: the caller's
  int output_fd = -1;           // both stdout and stderr; -1: inherited
  bool inherit_stderr = false;  // stderr goes where the caller's goes, whatever output_fd says
  bool null_input = false;      // stdin from /dev/null; otherwise inherited
  bool own_group = true;        // a process group of its own, so that all of it can be ended
  bool own_session = false;     // a session of its own, and so a group, without a terminal
  bool die_with_parent =
      false;  // SIGKILL for the child itself when the thread that started it ends
  std::vector<int>
      keep_fds;  // inherited besides 0, 1, 2: locks that must live as long as the child
  std::vector<ResourceLimit> limits;
};

/// A started process. Dropping one that still runs ends its group with SIGKILL and reaps it.
/// Move-only.
class ChildProcess {
 public:
  /// Fails: not_found, permission_denied (the program), not_found (the folder), unavailable (no
  /// process left).
  static Result<ChildProcess> spawn(const SpawnOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable once the process has ended.
  [[nodiscard]] int poll_fd() const noexcept { return pidfd_.get(); }
  Result<ExitState> wait();
  /// Sends to the whole group, or to the process where it has no group of its own. A dead one is
  /// fine.
  void signal(int number) const noexcept;
  /// Lets it outlive this object: who calls this reaps it.
  void detach() noexcept { pid_ = -1; }

 private:
  ChildProcess(pid_t pid, Fd pidfd, bool own_group)
      : pid_(pid), pidfd_(std::move(pidfd)), own_group_(own_group) {}
  pid_t pid_;
  Fd pidfd_;
  bool own_group_;
};

struct CaptureLimits {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::size_t max_output_bytes = 1 << 20;  // the last so many are kept
  const Cancellation* cancellation = nullptr;
  std::function<void(std::string_view)> on_output;  // also gets the output, as it comes
};

struct Captured {
  ExitState state;
  std::string output;      // stdout and stderr, in the order they came
  bool timed_out = false;  // the deadline passed: the group was killed
};

/// Runs to the end with both outputs captured and stdin empty. `options.output_fd` is ignored.
/// Fails: as spawn, and cancelled (the group was ended: SIGTERM, a second later SIGKILL).
Result<Captured> run_captured(SpawnOptions options, const CaptureLimits& limits = {});

}  // namespace rtenv
