// The key of a cache entry: it names the entry's folder and its build lock. Text becomes a key only
// through the check here, wherever it comes from: an archive, a bucket, a command line, the ledger.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::cache {

/// Whether the text is a key: 1 to 200 letters, digits, '_', '-' and '.', not beginning with '.'.
/// So a key is one component of a path, and never "." or "..".
constexpr bool is_key(std::string_view text) {
  constexpr std::size_t k_max_bytes = 200;
  if (text.empty() || text.size() > k_max_bytes || text.front() == '.') return false;
  for (const char c : text) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && c != '_' && c != '-' && c != '.') return false;
  }
  return true;
}

class Key {
 public:
  /// Fails: invalid_argument.
  static Result<Key> parse(std::string text) {
    if (!is_key(text))
      return fail(Errc::invalid_argument, "'{}' can't be the key of a cache entry", text);
    return Key(std::move(text));
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::string_view() const noexcept { return text_; }
  friend bool operator==(const Key& a, const Key& b) = default;
  friend bool operator==(const Key& a, std::string_view b) { return a.text_ == b; }

 private:
  friend class KeyView;
  explicit Key(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A view of a key, or of a literal that is checked when it is compiled.
class KeyView {
 public:
  KeyView(const Key& key) : text_(key.text()) {}  // NOLINT(google-explicit-constructor)
  template <std::size_t N>
  consteval KeyView(const char (&literal)[N])  // NOLINT(google-explicit-constructor,*-c-arrays)
      : text_(literal, N - 1) {
    if (!is_key(text_)) throw "not a key";
  }

  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }
  [[nodiscard]] Key owned() const { return Key(std::string(text_)); }
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr operator std::string_view() const noexcept { return text_; }

 private:
  std::string_view text_;
};

}  // namespace rtenv::cache

template <>
struct fmt::formatter<rtenv::cache::Key> : fmt::formatter<std::string_view> {
  auto format(const rtenv::cache::Key& key, format_context& context) const {
    return formatter<std::string_view>::format(key.text(), context);
  }
};

template <>
struct fmt::formatter<rtenv::cache::KeyView> : fmt::formatter<std::string_view> {
  auto format(rtenv::cache::KeyView key, format_context& context) const {
    return formatter<std::string_view>::format(key.text(), context);
  }
};
