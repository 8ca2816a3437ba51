#include "pkg/utf8.hpp"

#include <algorithm>

namespace rtenv::pkg {
namespace {

struct Lead {
  std::size_t bytes;
  char32_t bits;
  char32_t smallest;  // smaller code points have a shorter form
};

Lead classify(unsigned char byte) {
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U, 0x10000};
  return {1, 0, 0};
}

constexpr char32_t k_invalid_byte_base = 0xdc00;

}  // namespace

CodePoint decode_utf8(std::string_view text, std::size_t position) {
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x80) return {byte, 1};
  const CodePoint invalid{k_invalid_byte_base + byte, 1};
  const Lead lead = classify(byte);
  if (lead.bytes == 1 || position + lead.bytes > text.size()) return invalid;
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[position + i]);
    if ((next & 0xc0U) != 0x80U) return invalid;
    value = (value << 6U) | (next & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lead.smallest || value > 0x10ffff || surrogate) return invalid;
  return {value, lead.bytes};
}

bool is_utf8(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    const CodePoint c = decode_utf8(text, position);
    if (c.bytes == 1 && c.value >= k_invalid_byte_base) return false;
    position += c.bytes;
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace rtenv::pkg
