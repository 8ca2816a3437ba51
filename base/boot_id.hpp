// Identifies the current boot: a process id that was recorded before a reboot is meaningless after
// it.
#pragma once

#include <string>

namespace rtenv {

/// The content of /proc/sys/kernel/random/boot_id, without the newline; empty if it can't be read.
std::string boot_id();

}  // namespace rtenv
