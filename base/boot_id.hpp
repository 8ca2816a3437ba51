// Identifies one run of the kernel: a process id that was recorded before a reboot names nobody
// now.
#pragma once

#include <string>

namespace rtenv {

/// As /proc/sys/kernel/random/boot_id has it, without the newline; empty where it can't be read.
std::string boot_id();

}  // namespace rtenv
