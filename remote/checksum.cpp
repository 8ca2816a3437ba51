#include "remote/checksum.hpp"

#include <endian.h>
#include <isa-l/crc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "remote/http.hpp"

namespace rtenv::remote {
namespace {

using Kind = ChecksumKind;
using Name = std::pair<std::string_view, Kind>;

constexpr std::array<Name, 5> k_amazon{{{"x-amz-checksum-sha256", Kind::sha256},
                                        {"x-amz-checksum-crc32c", Kind::crc32c},
                                        {"x-amz-checksum-crc64nvme", Kind::crc64nvme},
                                        {"x-amz-checksum-crc32", Kind::crc32},
                                        {"x-amz-checksum-sha1", Kind::sha1}}};
constexpr std::array<Name, 6> k_algorithms{{{"sha-256", Kind::sha256},
                                            {"crc32c", Kind::crc32c},
                                            {"sha-512", Kind::sha512},
                                            {"sha", Kind::sha1},
                                            {"md5", Kind::md5},
                                            {"content-md5", Kind::md5}}};

class Offers {
 public:
  void add(Kind kind, std::string_view text) {
    // The length tells apart what a server encodes in another way.
    const auto bytes = base64_decode(text);
    if (!bytes || bytes->size() != size_of(kind) || (best_ && best_->kind <= kind)) return;
    best_ = Checksum{kind, std::string(text)};
  }

  // "sha-256=:…:, md5=:…:" (Repr-Digest) or without the colons.
  void add_list(std::string_view list) {
    while (!list.empty()) {
      const auto comma = std::min(list.find(','), list.size());
      const std::string_view item = trim(list.substr(0, comma), " \t");
      list.remove_prefix(std::min(comma + 1, list.size()));
      const auto equals = item.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view value = item.substr(equals + 1);
      if (value.size() >= 2 && value.starts_with(':') && value.ends_with(':'))
        value = value.substr(1, value.size() - 2);
      const std::string algorithm = lower_ascii(item.substr(0, equals));
      for (const auto& [name, kind] : k_algorithms)
        if (algorithm == name) add(kind, value);
    }
  }

  [[nodiscard]] std::optional<Checksum> best() && { return std::move(best_); }

 private:
  static std::size_t size_of(Kind kind) {
    switch (kind) {
      case Kind::sha256: return digest_size(HashAlgorithm::sha256);
      case Kind::sha512: return digest_size(HashAlgorithm::sha512);
      case Kind::sha1: return digest_size(HashAlgorithm::sha1);
      case Kind::md5: return digest_size(HashAlgorithm::md5);
      case Kind::crc64nvme: return sizeof(std::uint64_t);
      default: return sizeof(std::uint32_t);
    }
  }

  std::optional<Checksum> best_;
};

// 16 bytes at a time: one table for each, with as many more bytes behind it as its number says.
constexpr std::size_t k_stride = 16;
using Tables = std::array<std::array<std::uint64_t, 256>, k_stride>;

constexpr Tables make_tables(std::uint64_t reflected_polynomial) {
  Tables tables{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? (value >> 1U) ^ reflected_polynomial : value >> 1U;
    tables[0][byte] = value;
  }
  for (std::size_t byte = 0; byte < 256; ++byte)
    for (std::size_t i = 1; i < tables.size(); ++i)
      tables[i][byte] = (tables[i - 1][byte] >> 8U) ^ tables[0][tables[i - 1][byte] & 0xffU];
  return tables;
}

constexpr Tables k_nvme_tables = make_tables(0x9a6c9329ac4bc9b5);

std::uint64_t little_endian_word(std::span<const std::byte> data) {
  std::uint64_t word = 0;
  std::memcpy(&word, data.data(), sizeof word);
  return le64toh(word);
}

std::uint64_t crc64_nvme(std::uint64_t crc, std::span<const std::byte> data) {
  crc = ~crc;
  for (; data.size() >= k_stride; data = data.subspan(k_stride)) {
    const std::uint64_t first = crc ^ little_endian_word(data);
    const std::uint64_t second = little_endian_word(data.subspan(8));
    crc = 0;
    for (unsigned i = 0; i < 8; ++i)
      crc ^= k_nvme_tables[15 - i][(first >> (8 * i)) & 0xffU] ^
             k_nvme_tables[7 - i][(second >> (8 * i)) & 0xffU];
  }
  for (const std::byte byte : data)
    crc = (crc >> 8U) ^ k_nvme_tables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xffU];
  return ~crc;
}

std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> data) {
  constexpr std::size_t k_max_piece = 1U << 30U;  // the length is an int
  crc = ~crc;
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), k_max_piece));
    // It doesn't write to the data.
    auto* const bytes =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(piece.data()));
    crc = ::crc32_iscsi(bytes, static_cast<int>(piece.size()), crc);
    data = data.subspan(piece.size());
  }
  return ~crc;
}

}  // namespace

std::string_view name(ChecksumKind kind) noexcept {
  switch (kind) {
    case Kind::sha256: return "SHA-256";
    case Kind::crc32c: return "CRC-32C";
    case Kind::crc64nvme: return "CRC-64/NVME";
    case Kind::crc32: return "CRC-32";
    case Kind::sha512: return "SHA-512";
    case Kind::sha1: return "SHA-1";
    default: return "MD5";
  }
}

std::optional<Checksum> offered_checksum(const HttpResponse& response) {
  Offers offers;
  if (response.header("x-amz-checksum-type") != "COMPOSITE")  // else it has no length of a digest
    for (const auto& [header, kind] : k_amazon) offers.add(kind, response.header(header));
  const auto stored_encoding = response.header("x-goog-stored-content-encoding");
  if (stored_encoding.empty() || stored_encoding == "identity" ||
      response.header("content-encoding") == stored_encoding)
    offers.add_list(response.header("x-goog-hash"));
  offers.add_list(response.header("repr-digest"));
  offers.add_list(response.header("digest"));
  // In a response with a part, it is that of the part.
  if (response.status != 206) offers.add(Kind::md5, response.header("content-md5"));
  return std::move(offers).best();
}

template <ChecksumKind kind, class Word>
void Crc<kind, Word>::add(std::span<const std::byte> data) {
  if constexpr (kind == Kind::crc64nvme)
    state_ = crc64_nvme(state_, data);
  else if constexpr (kind == Kind::crc32c)
    state_ = crc32c(state_, data);
  else
    state_ =
        ::crc32_gzip_refl(state_, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

template <ChecksumKind kind, class Word>
std::array<std::byte, sizeof(Word)> Crc<kind, Word>::finish() const {
  std::array<std::byte, sizeof(Word)> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(state_ >> (8 * (bytes.size() - 1 - i)));
  return bytes;
}

template class Crc<ChecksumKind::crc32, std::uint32_t>;
template class Crc<ChecksumKind::crc32c, std::uint32_t>;
template class Crc<ChecksumKind::crc64nvme, std::uint64_t>;

ChecksumHash::ChecksumHash(ChecksumKind kind) {
  switch (kind) {
    case Kind::sha256: hash_.emplace<Sha256>(); break;
    case Kind::crc32c: hash_.emplace<Crc32c>(); break;
    case Kind::crc64nvme: hash_.emplace<Crc64Nvme>(); break;
    case Kind::crc32: hash_.emplace<Crc32>(); break;
    case Kind::sha512: hash_.emplace<Sha512>(); break;
    case Kind::sha1: hash_.emplace<Sha1>(); break;
    case Kind::md5: hash_.emplace<Md5>(); break;
  }
}

void ChecksumHash::add(std::span<const std::byte> data) {
  std::visit([&](auto& hash) { hash.add(data); }, hash_);
}

std::string ChecksumHash::base64() {
  return std::visit([](auto& hash) { return rtenv::base64(hash.finish()); }, hash_);
}

}  // namespace rtenv::remote
