// All descendants of this process, including those that started a session of their own or lost
// their parents. For that, this process must be a subreaper (become_reaper): orphans become its
// children instead of init's.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace rtenv::job {

/// PR_SET_CHILD_SUBREAPER. Fails: internal (the kernel doesn't support it).
Result<void> become_reaper();

/// The ids of all descendants that haven't ended, in no particular order. Reads /proc.
std::vector<pid_t> descendants();

/// Sends a signal to all descendants except `spared`. A process that got the id of one that has
/// ended isn't signalled, here and below.
void signal_descendants(int number, pid_t spared = 0);

/// Ends all descendants with SIGKILL and reaps them: none is left afterwards.
void kill_descendants();

struct Reaped {
  pid_t pid = 0;
  int status = 0;  // as from waitpid(2)
  rusage usage{};
};

/// Reaps all children that have ended, without waiting. Returns false if no child is left.
bool reap(const std::function<void(const Reaped&)>& on_end);

/// What tells leftovers of a supervisor that was killed together with its guardian. Processes that
/// have left both the environment and the session aren't known.
struct ProcessMarks {
  std::string variable;                  // "NAME=value", in their environment
  pid_t session = 0;                     // the id of its leader; 0: of none
  std::int64_t session_start_ticks = 0;  // of its leader: another process may get the id
};

/// Sends SIGKILL to all processes of this user that have one of the marks, and waits until they
/// have closed their files, at most for `time_limit`: a process that waits for a disk or a network
/// file system doesn't end before that answers. Returns whether all have.
bool kill_marked(const ProcessMarks& marks, std::chrono::milliseconds time_limit);

/// Whether a process has a variable in its environment that begins with `begin` ("NAME=val").
bool has_marked(const std::string& begin);

}  // namespace rtenv::job
