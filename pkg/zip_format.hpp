// The zip format as rtenv writes and reads it: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3
// (records), 4.4 (fields) and 4.5.3 (zip64). All numbers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/raw_bytes.hpp"

namespace rtenv::pkg::zip {

inline constexpr std::uint32_t k_local_header = 0x04034b50;
inline constexpr std::uint32_t k_data_descriptor = 0x08074b50;
inline constexpr std::uint32_t k_central_header = 0x02014b50;
inline constexpr std::uint32_t k_end = 0x06054b50;
inline constexpr std::uint32_t k_end64 = 0x06064b50;
inline constexpr std::uint32_t k_end64_locator = 0x07064b50;

inline constexpr std::size_t k_local_header_bytes = 30;
inline constexpr std::size_t k_local_crc_at = 14;
inline constexpr std::size_t k_central_header_bytes = 46;
inline constexpr std::size_t k_end_bytes = 22;
inline constexpr std::size_t k_end64_bytes = 56;
inline constexpr std::size_t k_end64_locator_bytes = 20;
inline constexpr std::size_t k_max_comment_bytes = 0xffff;

inline constexpr std::uint16_t k_method_store = 0;
inline constexpr std::uint16_t k_method_deflate = 8;

inline constexpr std::uint16_t k_flag_encrypted = 1U << 0U;
inline constexpr std::uint16_t k_flag_descriptor = 1U << 3U;  // CRC and sizes follow the data
inline constexpr std::uint16_t k_flag_utf8 = 1U << 11U;

inline constexpr std::uint16_t k_extra_zip64 = 1;
// Android's: a u16 with the alignment, then zeros up to the aligned data.
inline constexpr std::uint16_t k_extra_alignment = 0xd935;

inline constexpr std::uint16_t k_version_plain = 20;
inline constexpr std::uint16_t k_version_zip64 = 45;
inline constexpr std::uint16_t k_made_by_unix = 3U << 8U;
// 1980-01-01 00:00, the earliest time that a zip can represent.
inline constexpr std::uint16_t k_dos_date = 0x0021;
inline constexpr std::uint16_t k_dos_time = 0;

// From these values on, a number goes into a zip64 field or record.
inline constexpr std::uint32_t k_limit32 = 0xffffffff;
inline constexpr std::uint16_t k_limit16 = 0xffff;

inline constexpr std::uint32_t k_type_mask = 0170000;
inline constexpr std::uint32_t k_type_file = 0100000;
inline constexpr std::uint32_t k_type_directory = 0040000;
inline constexpr std::uint32_t k_type_link = 0120000;

/// Continues a CRC-32; `seed` is 0 at the beginning.
std::uint32_t crc32(std::uint32_t seed, std::span<const std::byte> data);

/// Appends numbers and text to a buffer.
class RecordWriter {
 public:
  explicit RecordWriter(RawBytes& out) : out_(out) {}
  RecordWriter& u16(std::uint16_t value) { return number(value, 2); }
  RecordWriter& u32(std::uint32_t value) { return number(value, 4); }
  RecordWriter& u64(std::uint64_t value) { return number(value, 8); }
  RecordWriter& text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }

 private:
  RecordWriter& number(std::uint64_t value, int bytes) {
    for (; bytes > 0; --bytes, value >>= 8U) out_.push_back(static_cast<std::byte>(value & 0xffU));
    return *this;
  }
  RawBytes& out_;
};

/// Reads numbers at an offset. Requires: they lie within the data; the caller checks that.
class RecordReader {
 public:
  explicit RecordReader(std::span<const std::byte> data) : data_(data) {}
  [[nodiscard]] std::uint16_t u16(std::size_t at) const {
    return static_cast<std::uint16_t>(number(at, 2));
  }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const {
    return static_cast<std::uint32_t>(number(at, 4));
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const { return number(at, 8); }

 private:
  [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t bytes) const {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i > 0; --i)
      value = (value << 8U) | std::to_integer<std::uint64_t>(data_[at + i - 1]);
    return value;
  }
  std::span<const std::byte> data_;
};

}  // namespace rtenv::pkg::zip
