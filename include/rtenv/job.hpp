// Runs commands in the environments of jobs: `prepare` makes a job's directory and environment,
// `start` starts a command there. What many jobs have in common is taken from the cache. If the
// caller's process crashes, commands go on; what only it knew of a job is removed when the cache is
// opened again. Thread-safe but for what says otherwise.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rtenv/environment.hpp"

namespace rtenv {

/// How a process ended.
struct Exit {
  int code = 0;    // if signal is 0
  int signal = 0;  // that killed it, or 0

  friend bool operator==(const Exit&, const Exit&) = default;

  [[nodiscard]] bool succeeded() const noexcept { return signal == 0 && code == 0; }
};

/// A running command, in a process group of its own. Move-only; not thread-safe.
class RTENV_API Process {
 public:
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  /// Kills the group (SIGKILL) unless the command's end was waited for or it was detached. In a
  /// fork of the process that started it, does nothing.
  ~Process();

  /// -1 once it was waited for, detached or moved from.
  [[nodiscard]] pid_t pid() const noexcept;
  /// For poll(2): readable once the command has ended. Owned by this object.
  [[nodiscard]] int poll_fd() const noexcept;
  /// Sends a signal to the group: the command, and those of its children that stayed in it. When
  /// the command has ended, its children get it until the end is waited for; after that, nobody
  /// does.
  void signal(int number) noexcept;
  /// Waits for the command to end, and reaps it and nothing else. Works also if the caller ignores
  /// SIGCHLD or waits for all children elsewhere; then, before Linux 6.15, how it ended is unknown.
  /// Fails: cancelled (it goes on running), internal (unknown), invalid_argument (detached, or
  /// waited for before).
  Result<Exit> wait(Stop stop = {});
  /// The same for at most this long; nullopt: it is still running.
  Result<std::optional<Exit>> wait_for(std::chrono::milliseconds time, Stop stop = {});
  /// Lets the command outlive this object; the caller reaps it.
  void detach() noexcept;

 private:
  friend struct Internals;
  struct State;
  explicit Process(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct Command {
  /// The first word is a program, looked up in the PATH of the job. Not empty.
  std::vector<std::string> argv = {};
  Variables env_vars = {};  // in addition to the job's
  // Descriptors that the command gets; they stay the caller's, who closes them, such as the write
  // end of a pipe when the command was started. One may be given twice. -1: of the input,
  // /dev/null; of the others, those of this process.
  int input_fd = -1;
  int output_fd = -1;
  int error_fd = -1;
};

/// A directory and an environment of a job's own. They stay while it lives, and the locks that its
/// processes inherit keep them after that. All of its processes see the same files. Move-only;
/// thread-safe but for `release`, after which all paths are empty.
class RTENV_API PreparedJob {
 public:
  PreparedJob(PreparedJob&& other) noexcept;
  PreparedJob& operator=(PreparedJob&& other) noexcept;
  /// As `release`.
  ~PreparedJob();

  /// Where the job's commands begin. Empty: the runtime_env has no working_dir; they begin in the
  /// current folder of this process. If `is_mounted`, only they see it.
  [[nodiscard]] const Path& working_dir() const noexcept;
  [[nodiscard]] bool is_mounted() const noexcept;
  /// The virtual environment; empty if the runtime_env names no packages.
  [[nodiscard]] const Path& env() const noexcept;
  [[nodiscard]] bool built_env() const noexcept;
  /// All variables of the job's commands.
  [[nodiscard]] Variables variables() const;

  /// Fails: not_found and permission_denied (the program, the working_dir), invalid_argument (no
  /// command, a NUL byte), unavailable (no process or descriptor left).
  Result<Process> start(const Command& command);

  /// Removes the job's own files and lets other jobs have the rest. Call it when all of the job's
  /// processes have ended. It may take a while: files that the job wrote are removed. A second call
  /// does nothing.
  void release() noexcept;

 private:
  friend struct Internals;
  struct State;
  explicit PreparedJob(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Fetches the working_dir and py_modules, builds the environment or takes it from the cache, and
/// makes the job's directory. Fails: as plan_env and EnvPlan::build.
RTENV_API Result<PreparedJob> prepare(const RuntimeEnv& runtime_env, Cache& cache,
                                      const EnvOptions& options = {});

}  // namespace rtenv
