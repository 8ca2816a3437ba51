// All processes that this one stands above: those that it started, and theirs, also where they made
// a session of their own or lost their parents. For that, this process must be their reaper
// (become_reaper): orphans come to it, not to init.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <vector>

#include "base/result.hpp"

namespace rtenv::job {

Result<void> become_reaper();

/// Those that run, in no order. Reads /proc.
std::vector<pid_t> descendants();

/// `spared`: not this one.
void signal_descendants(int number, pid_t spared = 0);

/// Ends all with SIGKILL and reaps them; none is left afterwards.
void kill_descendants();

struct Reaped {
  pid_t pid = 0;
  int status = 0;  // as waitpid says it
  rusage usage{};
};

/// Reaps whatever has ended. False where no child is left.
bool reap(const std::function<void(const Reaped&)>& on_end);

/// Ends processes of this user whose environment has `entry` ("NAME=value"): what a supervisor left
/// that was killed together with its guardian. Returns how many it found.
std::size_t kill_marked(const std::string& entry);

}  // namespace rtenv::job
