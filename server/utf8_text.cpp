#include "server/utf8_text.hpp"

#include <cstdint>
#include <cstring>
#include <utility>

namespace rtenv::server {
namespace {

constexpr std::string_view k_replacement = "\xef\xbf\xbd";

struct Sequence {
  std::size_t bytes = 1;
  enum { whole, broken, cut } what = broken;
};

Sequence sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, Sequence::whole};
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {1, Sequence::broken};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i == text.size()) return {i, Sequence::cut};
    if (byte(i) < low || byte(i) > high) return {i, Sequence::broken};
    low = 0x80;
    high = 0xbf;
  }
  return {length, Sequence::whole};
}

std::size_t ascii_bytes(std::string_view text, std::size_t at) {
  constexpr std::uint64_t high_bits = 0x8080808080808080ULL;
  std::size_t end = at;
  for (std::uint64_t word = 0; end + sizeof word <= text.size(); end += sizeof word) {
    std::memcpy(&word, text.data() + end, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  while (end < text.size() && static_cast<unsigned char>(text[end]) < 0x80) ++end;
  return end - at;
}

}  // namespace

std::string Utf8Text::add(std::string_view bytes) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::exchange(held_, {}).append(bytes);
    bytes = joined;
  }
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    if (const std::size_t plain = ascii_bytes(bytes, at); plain > 0) {
      text.append(bytes, at, plain);
      at += plain;
      continue;
    }
    const Sequence sequence = sequence_at(bytes, at);
    if (sequence.what == Sequence::cut) {
      held_ = bytes.substr(at);
      break;
    }
    text.append(sequence.what == Sequence::whole ? bytes.substr(at, sequence.bytes)
                                                 : k_replacement);
    at += sequence.bytes;
  }
  return text;
}

std::string Utf8Text::finish() {
  return std::exchange(held_, {}).empty() ? std::string() : std::string(k_replacement);
}

}  // namespace rtenv::server
