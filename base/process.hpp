// Child processes: started from an argument list (never through a shell) with an explicit
// environment and working directory, waited for with a deadline, and killed as a process group.
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
#include "base/exit_state.hpp"
#include "base/fd.hpp"
#include "base/origin.hpp"

namespace rtenv {

/// A limit of setrlimit(2). A value above the hard limit of the caller is lowered to it.
struct ResourceLimit {
  int resource = 0;  // RLIMIT_…
  std::uint64_t value = 0;
  bool hard = true;  // also the hard limit
};

struct SpawnOptions {
  /// argv[0] is looked up in the PATH of `environment`; relative paths, also in PATH, start at
  /// `working_dir`.
  std::vector<std::string> argv;
  Environment environment;
  Path working_dir;              // empty: inherited
  int input_fd = -1;             // for stdin; -1: inherited
  int output_fd = -1;            // for stdout, and for stderr without error_fd; -1: inherited
  int error_fd = -1;             // for stderr
  bool inherit_stderr = false;   // stderr is inherited even if output_fd is set
  bool null_input = false;       // stdin is /dev/null
  bool own_group = true;         // a new process group, which `signal` reaches as a whole
  bool own_session = false;      // a new session, and so a new group, without a terminal
  bool die_with_parent = false;  // SIGKILL for the child when the thread that started it ends
  /// Called in the child between fork and exec, before it enters `working_dir`: only
  /// async-signal-safe calls are allowed. Returns null, or a static text with what can't be done to
  /// `working_dir` ("mount"), and errno. May be empty.
  std::function<const char*()> prepare_child;
  std::vector<int> prepare_fds;  // that `prepare_child` uses; with close-on-exec
  /// Inherited in addition to 0, 1 and 2, such as locks that the child must hold.
  std::vector<int> keep_fds;
  std::vector<ResourceLimit> limits;
};

/// A running child process. The destructor kills its group with SIGKILL, unless `wait` or `detach`
/// was called, or it runs in a fork of this process; it doesn't wait for the end. Move-only.
class ChildProcess {
 public:
  /// Fails: invalid_argument (empty argv), not_found and permission_denied (the program or the
  /// working directory), unavailable (too many processes or descriptors); by the errno of
  /// `prepare_child`.
  static Result<ChildProcess> spawn(const SpawnOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// For poll(2): readable once the process has ended.
  [[nodiscard]] int poll_fd() const noexcept { return pidfd_.get(); }
  /// Waits for the process to end, and reaps it. Call at most once. Fails: as wait_for_exit.
  Result<ExitState> wait();
  /// Sends a signal to the group, or to the process if it has no group of its own. Does nothing if
  /// it has ended.
  void signal(int number) const noexcept;
  /// Lets the process outlive this object; the caller becomes responsible for reaping it. Returns a
  /// descriptor that is readable once the process has ended.
  Fd detach() noexcept {
    pid_ = -1;
    return std::move(pidfd_);
  }

 private:
  ChildProcess(pid_t pid, Fd pidfd, bool own_group)
      : pid_(pid), pidfd_(std::move(pidfd)), own_group_(own_group) {}
  pid_t pid_;
  Fd pidfd_;
  bool own_group_;
  Origin origin_;
};

struct CaptureLimits {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::size_t max_output_bytes = 1 << 20;  // of a longer output, the end is returned
  const Cancellation* cancellation = nullptr;
  std::function<void(std::string_view)> on_output;  // called with each piece of the output
};

struct Captured {
  ExitState state;
  std::string output;      // stdout and stderr, in the order of arrival
  bool timed_out = false;  // the deadline passed, and the group was killed
};

/// Runs a process to its end, with empty stdin, and captures stdout and stderr; `options.output_fd`
/// is ignored. On cancellation the group gets SIGTERM, and SIGKILL a second later. Fails: as spawn;
/// cancelled.
Result<Captured> run_captured(SpawnOptions options, const CaptureLimits& limits = {});

}  // namespace rtenv
