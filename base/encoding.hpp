// Bytes as text for protocols: percent-encoding (RFC 3986) and base64 (RFC 4648). Thread-safe: no
// state.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rtenv {

/// Everything but letters, digits, "-._~" and what is in `also_plain` becomes %XX, in upper case.
std::string percent_encode(std::string_view text, std::string_view also_plain = {});
/// What isn't a %XX stays as it is.
std::string percent_decode(std::string_view text);

/// 'A' to 'Z' as 'a' to 'z', whatever the locale.
std::string lower_ascii(std::string_view text);

/// With padding, without line breaks.
std::string base64(std::span<const std::byte> bytes);
/// The alphabet for URLs, without padding: as JSON Web Tokens have it.
std::string base64_url(std::span<const std::byte> bytes);
/// Nothing where it isn't base64.
std::optional<std::vector<std::byte>> base64_decode(std::string_view text);

}  // namespace rtenv
