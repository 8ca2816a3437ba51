// A size, count or offset that an archive states: anything up to 2^64-1, whatever the archive has.
// The only arithmetic is a sum that can't wrap; use value() where the number has been checked.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace rtenv::pkg {

class ArchiveNumber {
 public:
  constexpr ArchiveNumber() = default;
  // Implicit, so that it compares with what is known of the file.
  constexpr ArchiveNumber(std::uint64_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

  /// The largest number, which exceeds every limit, if the sum has more than 64 bits.
  friend constexpr ArchiveNumber operator+(ArchiveNumber a, ArchiveNumber b) {
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(a.value_, b.value_, &sum))
      return std::numeric_limits<std::uint64_t>::max();
    return sum;
  }
  friend constexpr auto operator<=>(ArchiveNumber, ArchiveNumber) = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace rtenv::pkg
