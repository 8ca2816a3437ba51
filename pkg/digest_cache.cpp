#include "pkg/digest_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <bit>
#include <chrono>
#include <cstring>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"

namespace rtenv::pkg {
namespace {

struct Header {
  std::array<char, 16> magic{};
  std::uint64_t digest_bytes = 0;
  std::uint64_t count = 0;
  std::uint64_t capacity = 0;
  std::uint64_t checksum = 0;
};
constexpr std::array<char, 16> k_magic{'r', 't', 'e', 'n', 'v', '-', 'd', 'i',
                                       'g', 'e', 's', 't', 's', '-', '1', '\n'};

// The mtime of a file is that of its last use, updated at most this often.
constexpr std::chrono::hours k_touch_after{24};
// A file that has not been used for this long is removed.
constexpr std::chrono::hours k_expire_after{24 * 30};

// The part of a content's digest that names the tree: Ray's scheme uses 8 of SHA-1's 20 bytes.
std::size_t digest_bytes(Scheme scheme) {
  if (scheme == Scheme::sha256) return 32;
  return scheme == Scheme::ray ? 8 : 16;
}

std::uint64_t checksum(std::span<const std::byte> data) {
  const auto hash = Xxh3::of(data);
  std::uint64_t value = 0;
  std::memcpy(&value, hash.data(), sizeof value);
  return value;
}

std::size_t capacity_for(std::size_t count) { return std::bit_ceil(count + count / 2 + 1); }

// The validated content of a file.
struct Loaded {
  Header header;
  std::vector<std::byte> records;
};
std::optional<Loaded> load(const Path& file, std::size_t expected_digest_bytes) {
  const auto fd = open_file(file, O_RDONLY);
  if (!fd) return std::nullopt;
  struct stat status {};
  Loaded loaded;
  const auto header_bytes = std::as_writable_bytes(std::span(&loaded.header, 1));
  if (::fstat(fd->get(), &status) != 0 ||
      read_full(*fd, header_bytes, file.native()).value_or(0) != header_bytes.size())
    return std::nullopt;
  const Header& header = loaded.header;
  const std::size_t record_bytes = sizeof(FileStamp) + expected_digest_bytes;
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  if (header.magic != k_magic || header.digest_bytes != expected_digest_bytes ||
      !std::has_single_bit(header.capacity) || header.count >= header.capacity ||
      header.capacity > size_bytes || size_bytes != sizeof header + header.capacity * record_bytes)
    return std::nullopt;
  loaded.records.resize(header.capacity * record_bytes);
  if (read_full(*fd, loaded.records, file.native()).value_or(0) != loaded.records.size())
    return std::nullopt;
  if (checksum(loaded.records) != header.checksum) return std::nullopt;
  // Record the use, so that the file doesn't expire.
  if (std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(status.st_mtime) >
      k_touch_after)
    ::futimens(fd->get(), nullptr);
  return loaded;
}

void remove_expired(const Path& folder) {
  std::error_code error;
  const auto limit = std::filesystem::file_time_type::clock::now() - k_expire_after;
  for (const auto& file : std::filesystem::directory_iterator(folder, error))
    if (file.last_write_time(error) < limit && !error) std::filesystem::remove(file.path(), error);
}

}  // namespace

DigestCache DigestCache::open(const Path& folder, const FileStamp& root, Scheme scheme) {
  const std::string name = fmt::format("{}-{:016x}{:016x}", pkg::name(scheme), root.high, root.low);
  DigestCache cache(folder, folder / name, digest_bytes(scheme));
  if (auto loaded = load(cache.file_, cache.digest_bytes_)) {
    cache.records_ = std::move(loaded->records);
    cache.capacity_ = loaded->header.capacity;
  }
  return cache;
}

std::optional<ContentDigest> DigestCache::find(const FileStamp& stamp) const {
  if (capacity_ == 0 || !stamp) return std::nullopt;
  for (std::size_t slot = stamp.low & (capacity_ - 1);; slot = (slot + 1) & (capacity_ - 1)) {
    const std::byte* record = records_.data() + slot * record_bytes();
    FileStamp found;
    std::memcpy(&found, record, sizeof found);
    if (found == stamp) return ContentDigest(std::span(record + sizeof found, digest_bytes_));
    if (!found) return std::nullopt;
  }
}

void DigestCache::save(const std::vector<Entry>& entries,
                       const std::vector<ContentDigest>& digests) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].stamp && !digests[i].empty()) ++count;
  DigestCache fresh(folder_, file_, digest_bytes_);
  fresh.capacity_ = capacity_for(count);
  fresh.records_.resize(fresh.capacity_ * record_bytes());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const FileStamp& stamp = entries[i].stamp;
    if (!stamp || digests[i].empty()) continue;
    std::size_t slot = stamp.low & (fresh.capacity_ - 1);
    std::byte* record = nullptr;
    for (FileStamp taken = stamp; taken; slot = (slot + 1) & (fresh.capacity_ - 1)) {
      record = fresh.records_.data() + slot * record_bytes();
      std::memcpy(&taken, record, sizeof taken);
    }
    std::memcpy(record, &stamp, sizeof stamp);
    std::memcpy(record + sizeof stamp, digests[i].bytes().data(), digest_bytes_);
  }
  const Header header{.magic = k_magic,
                      .digest_bytes = digest_bytes_,
                      .count = count,
                      .capacity = fresh.capacity_,
                      .checksum = checksum(fresh.records_)};
  const auto write = [&]() -> Result<void> {
    RTENV_TRY(make_directories(folder_));
    RTENV_TRY(auto file, AtomicFile::create(file_, 0600));
    RTENV_TRY(write_full(file.fd(), std::as_bytes(std::span(&header, 1)), file_.native()));
    RTENV_TRY(write_full(file.fd(), fresh.records_, file_.native()));
    // After a power cut, the checksum detects a partly written file.
    return file.commit(Durability::process);
  };
  if (auto written = write(); !written)
    log::debug("cannot save the digest cache: {}", written.error().message());
  remove_expired(folder_);
}

}  // namespace rtenv::pkg
