// The command by which a server starts a job's supervisor: PROGRAM supervise FOLDER CONTROL_FD
// LOCK_FD. Not for users. Programs that have it: rtenv, and rtenv-supervisor for servers that are
// part of another program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rtenv::job {

inline constexpr std::string_view k_supervise = "supervise";

/// `words`: behind k_supervise. Returns the exit status. Settings are taken from the environment
/// variables. Requires: there are no other threads, and signals have their default actions.
int supervise_command(const std::vector<std::string>& words);

}  // namespace rtenv::job
