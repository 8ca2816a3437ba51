// Text encodings of network protocols: percent-encoding (RFC 3986) and base64 (RFC 4648).
// Thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rtenv {

/// Encodes every byte except letters, digits, "-._~" and the characters of `also_plain` as %XX,
/// with upper-case digits.
std::string percent_encode(std::string_view text, std::string_view also_plain = {});
/// Decodes every valid %XX and copies everything else.
std::string percent_decode(std::string_view text);

/// Converts 'A' to 'Z' to lower case, independent of the locale.
std::string lower_ascii(std::string_view text);
/// Converts 'a' to 'z' to upper case, independent of the locale.
std::string upper_ascii(std::string_view text);

/// With padding, without line breaks.
std::string base64(std::span<const std::byte> bytes);
/// With the URL-safe alphabet and without padding, as in JSON Web Tokens.
std::string base64_url(std::span<const std::byte> bytes);
/// Expects padding. Returns nullopt if `text` isn't valid base64.
std::optional<std::vector<std::byte>> base64_decode(std::string_view text);

}  // namespace rtenv
