// Reads what a user names as input: a file, or a pipe such as standard input or <(command), which
// may keep its reader waiting. Waiting ends with a cancellation, which may be null.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

class Cancellation;

inline constexpr std::uint64_t k_max_text_bytes = 64 << 20;

/// Waits for data: at least one byte, 0 at the end. Errors name the input as `name`. Fails:
/// cancelled, and by errno.
Result<std::size_t> read_available(int fd, std::span<std::byte> buffer, std::string_view name,
                                   const Cancellation* cancellation);

/// Reads to the end. Fails: invalid_argument (more than `max_bytes`), cancelled, and by errno.
Result<std::string> read_file_or_stream(const Path& path,
                                        const Cancellation* cancellation = nullptr,
                                        std::uint64_t max_bytes = k_max_text_bytes);

}  // namespace rtenv
