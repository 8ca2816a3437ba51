#include "pkg/digest_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <bit>
#include <chrono>
#include <cstring>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"

namespace rtenv::pkg {
namespace {

struct Header {
  std::array<char, 16> magic{};
  std::uint64_t digest_bytes = 0;
  std::uint64_t count = 0;
  std::uint64_t capacity = 0;
  std::uint64_t records_checksum = 0;
  FileStamp tree;
  std::array<char, 64> digits{};  // of the tree's name, followed by NUL bytes
  std::uint64_t checksum = 0;     // of what is before it
};
constexpr std::array<char, 16> k_magic{'r', 't', 'e', 'n', 'v', '-', 'd', 'i',
                                       'g', 'e', 's', 't', 's', '-', '3', '\n'};

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

std::uint64_t checksum_of(const Header& header) {
  return checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, checksum)));
}

struct OpenFile {
  Fd fd;
  Header header;  // validated
};
std::optional<OpenFile> open_cache_file(const Path& path, std::size_t expected_digest_bytes) {
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK);  // it may be a FIFO
  if (!fd) return std::nullopt;
  OpenFile file{std::move(*fd), {}};
  Header& header = file.header;
  const auto header_bytes = std::as_writable_bytes(std::span(&header, 1));
  struct stat status {};
  if (::fstat(file.fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      read_full(file.fd, header_bytes, path.native()).value_or(0) != header_bytes.size())
    return std::nullopt;
  const std::size_t record_bytes = sizeof(FileStamp) + expected_digest_bytes;
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  if (header.magic != k_magic || header.checksum != checksum_of(header) ||
      header.digest_bytes != expected_digest_bytes || !std::has_single_bit(header.capacity) ||
      header.count >= header.capacity || header.capacity > size_bytes ||
      size_bytes != sizeof header + header.capacity * record_bytes)
    return std::nullopt;
  // Record the use, so that the file doesn't expire.
  if (std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(status.st_mtime) >
      k_touch_after)
    ::futimens(file.fd.get(), nullptr);
  return file;
}

void remove_expired(const Path& folder) {
  std::error_code error;
  const auto limit = std::filesystem::file_time_type::clock::now() - k_expire_after;
  for (const FolderEntry& file : readable_entries(folder))
    if (std::filesystem::last_write_time(file.path, error) < limit && !error)
      std::filesystem::remove(file.path, error);
}

}  // namespace

DigestCache::DigestCache(const Path& folder, const FileStamp& root, Scheme scheme)
    : folder_(folder),
      file_(folder / fmt::format("{}-{:016x}{:016x}", pkg::name(scheme), root.high, root.low)),
      scheme_(scheme),
      digest_bytes_(digest_bytes(scheme)) {}

std::optional<PackageName> DigestCache::find_name(const FileStamp& tree) const {
  const auto file = open_cache_file(file_, digest_bytes_);
  if (!file || file->header.tree != tree) return std::nullopt;
  const auto& digits = file->header.digits;
  return PackageName(scheme_, std::string(digits.data(), ::strnlen(digits.data(), digits.size())));
}

void DigestCache::load() {
  const auto file = open_cache_file(file_, digest_bytes_);
  if (!file) return;
  records_.resize(file->header.capacity * record_bytes());
  if (read_full(file->fd, records_, file_.native()).value_or(0) != records_.size() ||
      checksum(records_) != file->header.records_checksum)
    return;
  capacity_ = file->header.capacity;
}

std::optional<ContentDigest> DigestCache::find(const FileStamp& stamp) const {
  if (capacity_ == 0 || !stamp) return std::nullopt;
  for (std::size_t slot = stamp.high & (capacity_ - 1);; slot = (slot + 1) & (capacity_ - 1)) {
    const std::byte* record = records_.data() + slot * record_bytes();
    FileStamp found;
    std::memcpy(&found, record, sizeof found);
    if (found == stamp) return ContentDigest(std::span(record + sizeof found, digest_bytes_));
    if (!found) return std::nullopt;
  }
}

void DigestCache::save(const std::vector<Entry>& entries, const std::vector<ContentDigest>& digests,
                       const std::optional<NamedTree>& tree) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].stamp.is_settled() && !digests[i].empty()) ++count;
  const std::size_t capacity = capacity_for(count);
  std::vector<std::byte> records(capacity * record_bytes());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const FileStamp& stamp = entries[i].stamp;
    if (!stamp.is_settled() || digests[i].empty()) continue;
    std::size_t slot = stamp.high & (capacity - 1);
    std::byte* record = nullptr;
    for (FileStamp taken = stamp; taken; slot = (slot + 1) & (capacity - 1)) {
      record = records.data() + slot * record_bytes();
      std::memcpy(&taken, record, sizeof taken);
    }
    std::memcpy(record, &stamp, sizeof stamp);
    std::memcpy(record + sizeof stamp, digests[i].bytes().data(), digest_bytes_);
  }
  Header header{.magic = k_magic,
                .digest_bytes = digest_bytes_,
                .count = count,
                .capacity = capacity,
                .records_checksum = checksum(records)};
  if (tree) {
    header.tree = tree->stamp;
    tree->name.digits().copy(header.digits.data(), header.digits.size());
  }
  header.checksum = checksum_of(header);
  const auto write = [&]() -> Result<void> {
    RTENV_TRY(make_directories(folder_));
    RTENV_TRY(auto file, AtomicFile::create(file_, 0600));
    RTENV_TRY(write_full(file.fd(), std::as_bytes(std::span(&header, 1)), file_.native()));
    RTENV_TRY(write_full(file.fd(), records, file_.native()));
    // After a power cut, the checksum detects a partly written file.
    return file.commit(Durability::process);
  };
  if (auto written = write(); !written)
    log::debug("cannot save the digest cache: {}", written.error().message());
  remove_expired(folder_);
}

}  // namespace rtenv::pkg
