// Reading names as Python does: UTF-8, and what isn't stands for itself byte by byte
// ("surrogateescape").
#pragma once

#include <cstddef>
#include <string_view>

namespace rtenv::pkg {

struct CodePoint {
  char32_t value;     // of a stray byte b: U+DC00 + b, as Python has it
  std::size_t bytes;  // 1 to 4
};

/// Requires: position < text.size().
CodePoint decode_utf8(std::string_view text, std::size_t position);

/// True where every byte belongs to a well-formed sequence.
bool is_utf8(std::string_view text);

bool is_ascii(std::string_view text);

}  // namespace rtenv::pkg
