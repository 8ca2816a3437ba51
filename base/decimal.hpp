// Decimal numbers in text. Thread-safe: no state.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rtenv {

/// nullopt unless all of `text` is a number that fits.
inline std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace rtenv
