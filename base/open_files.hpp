// The limit of this process's open descriptors (RLIMIT_NOFILE).
#pragma once

#include <cstdint>

namespace rtenv {

std::uint64_t open_files_limit() noexcept;

/// Raises the limit as far as this user may; returns what it was. Programs that use select(2) break
/// with descriptors above 1023: child processes should get the old limit.
std::uint64_t raise_open_files_limit() noexcept;

}  // namespace rtenv
