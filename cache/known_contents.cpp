#include "cache/known_contents.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/file.hpp"
#include "base/log.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {
namespace {

struct Header {
  std::array<char, 16> magic{};
  std::uint64_t count = 0;
  Xxh3::Bytes checksum{};
};
constexpr std::array<char, 16> k_magic{'r', 't', 'e', 'n', 'v', '-', 'c', 'o',
                                       'n', 't', 'e', 'n', 't', 's', '-', '2'};
// Of 56 bytes each. When there are more, it begins again with those of the last environment.
constexpr std::size_t k_max_records = 1U << 16U;

}  // namespace

KnownContents KnownContents::open(const Path& root) {
  KnownContents known(root / "digests" / "contents");
  known.load();
  return known;
}

void KnownContents::load() {
  const auto fd = open_file(file_, O_RDONLY | O_NONBLOCK);
  if (!fd) return;
  Header header;
  const auto header_bytes = std::as_writable_bytes(std::span(&header, 1));
  if (read_full(*fd, header_bytes, file_.native()).value_or(0) != header_bytes.size() ||
      header.magic != k_magic || header.count > k_max_records)
    return;
  std::vector<Record> records(header.count);
  const auto bytes = std::as_writable_bytes(std::span(records));
  if (read_full(*fd, bytes, file_.native()).value_or(0) != bytes.size() ||
      Xxh3::of(bytes) != header.checksum)
    return;
  records_ = std::move(records);
}

bool KnownContents::has_size(std::uint64_t size_bytes) const {
  const auto found = std::ranges::lower_bound(records_, Record{.size_bytes = size_bytes});
  return found != records_.end() && found->size_bytes == size_bytes;
}

std::optional<Sha256::Bytes> KnownContents::find(std::uint64_t size_bytes,
                                                 const Xxh3::Bytes& xxh3) const {
  const Record wanted{.size_bytes = size_bytes, .xxh3 = xxh3};
  const auto found = std::ranges::lower_bound(records_, wanted);
  if (found == records_.end() || found->xxh3 != xxh3 || found->size_bytes != size_bytes)
    return std::nullopt;
  return found->sha256;
}

void KnownContents::remember(const std::vector<TreeItem>& items) {
  std::vector<Record> added;
  for (const TreeItem& item : items)
    if (item.is_file() && item.sha256 && item.size_bytes >= k_min_bytes &&
        !find(item.size_bytes, item.xxh3))
      added.push_back({item.size_bytes, item.xxh3, *item.sha256});
  if (added.empty()) return;
  if (records_.size() + added.size() > k_max_records) records_.clear();
  added.resize(std::min(added.size(), k_max_records));
  records_.insert(records_.end(), added.begin(), added.end());
  std::ranges::sort(records_);
  if (const auto saved = save(); !saved)
    log::debug("the digests of installed files aren't saved: {}", saved.error().message());
}

Result<void> KnownContents::save() const {
  const auto bytes = std::as_bytes(std::span(records_));
  const Header header{.magic = k_magic, .count = records_.size(), .checksum = Xxh3::of(bytes)};
  RTENV_TRY(make_directory(file_.parent_path()));
  RTENV_TRY(AtomicFile file, AtomicFile::create(file_, 0600));
  RTENV_TRY(write_full(file.fd(), std::as_bytes(std::span(&header, 1)), file_.native()));
  RTENV_TRY(write_full(file.fd(), bytes, file_.native()));
  return file.commit(Durability::process);
}

}  // namespace rtenv::cache
