// Sizes in bytes as users write them: "10GiB", "512M" (1024-based), "2GB" (1000-based), "4096".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv {

/// Fails: invalid_argument.
Result<std::uint64_t> parse_byte_size(std::string_view text);

/// "1.5 GiB"; whole bytes below 1 KiB.
std::string format_byte_size(std::uint64_t bytes);

}  // namespace rtenv
