// Decodes names as Python does: as UTF-8, with each invalid byte as one character
// ("surrogateescape").
#pragma once

#include <cstddef>
#include <string_view>

namespace rtenv::pkg {

inline constexpr std::size_t k_max_utf8_bytes = 4;

struct CodePoint {
  char32_t value;     // for an invalid byte b: U+DC00 + b, as in Python
  std::size_t bytes;  // 1 to k_max_utf8_bytes
};

/// Requires: position < text.size().
CodePoint decode_utf8(std::string_view text, std::size_t position);

/// True if every byte belongs to a well-formed sequence.
bool is_utf8(std::string_view text);

bool is_ascii(std::string_view text);

}  // namespace rtenv::pkg
