// Unique names for temporary files, lock files and lease holders. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace rtenv {

/// 24 lower-case hex digits: the process id and 64 random bits.
std::string unique_name();
/// Whether a text looks like one.
bool is_unique_name(std::string_view text) noexcept;

}  // namespace rtenv
