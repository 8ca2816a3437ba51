// The digest of one file's content; its length depends on the scheme. A plain value without heap
// memory, because a tree has one for every file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rtenv::pkg {

class ContentDigest {
 public:
  static constexpr std::size_t k_max_bytes = 32;  // SHA-256

  ContentDigest() = default;
  /// Requires: at most k_max_bytes.
  explicit ContentDigest(std::span<const std::byte> bytes)
      : size_(static_cast<std::uint8_t>(bytes.size())) {
    std::ranges::copy(bytes, bytes_.begin());
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  friend bool operator==(const ContentDigest&, const ContentDigest&) = default;

 private:
  std::array<std::byte, k_max_bytes> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace rtenv::pkg
