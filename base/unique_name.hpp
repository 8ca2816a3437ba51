// Unique names for temporary files, lock files and lease holders. Thread-safe.
#pragma once

#include <string>

namespace rtenv {

/// 24 lower-case hex digits: the process id and 64 random bits.
std::string unique_name();

}  // namespace rtenv
