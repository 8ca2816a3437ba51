// Identifies a process for as long as the machine runs: a process id alone is given to another
// process later, and means another process in another container.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rtenv {

/// Of this process: "BOOT_ID PID_NAMESPACE PID START_TICKS", the start time in clock ticks after
/// the boot, see proc(5). Empty if /proc can't be read. Thread-safe.
std::string process_identity();

enum class ProcessState : std::uint8_t {
  alive,
  ended,    // also: it was of an earlier boot
  unknown,  // it is in another PID namespace, or the text isn't an identity
};
/// Of the process with this identity. A zombie counts as ended. Thread-safe.
ProcessState process_state(std::string_view identity);

}  // namespace rtenv
