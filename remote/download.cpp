#include "remote/download.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/ordered_pipeline.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv::remote {
namespace {

constexpr std::uint64_t k_part_bytes = 8ULL << 20U;
constexpr std::uint64_t k_parallel_from_bytes = 2 * k_part_bytes;
constexpr std::size_t k_hash_buffer_bytes = 256U << 10U;
constexpr int k_max_restarts = 4;

Result<void> write_at(const Fd& file, std::span<const std::byte> data, std::uint64_t offset,
                      const std::string& shown) {
  while (!data.empty()) {
    const ssize_t count =
        ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write", shown);
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

class Download {
 public:
  Download(ObjectStore& store, const Uri& object, const ObjectInfo& info,
           const DownloadTarget& target, const DownloadOptions& options)
      : store_(store), object_(object), info_(info), target_(target), options_(options) {
    reset_digests();
  }

  Result<Downloaded> run() {
    RTENV_TRY(reserve_space());
    const bool in_parts =
        info_.tie != Tie::none && info_.size_bytes && *info_.size_bytes >= k_parallel_from_bytes;
    RTENV_TRY(in_parts ? download_parts() : download_stream());
    RTENV_TRY(report());
    return finish_digests();
  }

 private:
  void reset_digests() {
    sha_.reset();
    xxh3_.reset();
    checked_.reset();
    if (info_.checksum && info_.checksum->kind != ChecksumKind::sha256)
      checked_.emplace(info_.checksum->kind);
  }

  void digest(std::span<const std::byte> data) {
    sha_.add(data);
    xxh3_.add(data);
    if (checked_) checked_->add(data);
  }

  // Fails if the bytes don't have the store's checksum.
  Result<Downloaded> finish_digests() {
    const auto sha256 = sha_.finish();
    Downloaded downloaded{.info = info_, .sha256 = to_hex(sha256), .xxh3 = to_hex(xxh3_.finish())};
    if (!info_.checksum) return downloaded;
    const std::string found = checked_ ? checked_->base64() : base64(sha256);
    if (found == info_.checksum->base64) return downloaded;
    return fail(Errc::corrupt,
                "{} is damaged: its {} in the store is {}, that of what arrived is {}",
                object_.shown(), name(info_.checksum->kind), info_.checksum->base64, found);
  }

  // Fails before the download if the disk is too small.
  Result<void> reserve_space() const {
    if (!info_.size_bytes || *info_.size_bytes == 0) return {};
    const int done = ::fallocate(target_.file.get(), 0, 0, static_cast<off_t>(*info_.size_bytes));
    if (done != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
      return fail_errno("write", target_.shown);
    return {};  // without support for reservation, writing fails when the disk is full
  }

  Result<void> download_parts() {
    const std::uint64_t size_bytes = *info_.size_bytes;
    const auto count = static_cast<std::size_t>((size_bytes + k_part_bytes - 1) / k_part_bytes);
    // Parts are hashed in order, from the page cache.
    return ordered_pipeline<ByteRange>(
        count, options_.connections, 2 * std::size_t{options_.connections}, [] { return 0; },
        [&](int, std::size_t index) -> Result<ByteRange> {
          const ByteRange range{
              .offset = index * k_part_bytes,
              .size_bytes = std::min(k_part_bytes, size_bytes - index * k_part_bytes)};
          RTENV_TRY(fetch_part(range));
          return range;
        },
        [&](const ByteRange& range) { return hash_part(range); });
  }

  Result<void> fetch_part(const ByteRange& range) {
    std::uint64_t done_bytes = 0;
    const auto write = [&](std::span<const std::byte> data) -> Result<void> {
      RTENV_TRY(write_at(target_.file, data, range.offset + done_bytes, target_.shown));
      done_bytes += data.size();
      received_bytes_ += data.size();
      return report();
    };
    const auto restart = []() -> Result<void> {
      return fail(Errc::internal, "a part of an object was read from its beginning again");
    };
    return store_.read(object_, info_, range, {.write = write, .restart = restart});
  }

  Result<void> hash_part(const ByteRange& range) {
    buffer_.resize(k_hash_buffer_bytes);
    for (std::uint64_t done = 0; done < range.size_bytes;) {
      const auto wanted = std::span(buffer_).first(
          std::min<std::uint64_t>(buffer_.size(), range.size_bytes - done));
      RTENV_TRY(const std::size_t count,
                read_full_at(target_.file, wanted, static_cast<off_t>(range.offset + done),
                             target_.shown));
      if (count != wanted.size())
        return fail(Errc::corrupt, "{} was truncated while it was written", target_.shown);
      digest(wanted);
      done += count;
    }
    begin_writing_back(range);
    return {};
  }

  // A hint to the kernel; if it fails, syncing the file takes longer.
  void begin_writing_back(const ByteRange& range) const noexcept {
    if (options_.will_be_synced)
      ::sync_file_range(target_.file.get(), static_cast<off_t>(range.offset),
                        static_cast<off_t>(range.size_bytes), SYNC_FILE_RANGE_WRITE);
  }

  Result<void> download_stream() {
    std::uint64_t written_back_bytes = 0;
    const auto write = [&](std::span<const std::byte> data) -> Result<void> {
      RTENV_TRY(write_at(target_.file, data, received_bytes_, target_.shown));
      digest(data);
      received_bytes_ += data.size();
      if (received_bytes_ - written_back_bytes >= k_part_bytes) {
        begin_writing_back(
            {.offset = written_back_bytes, .size_bytes = received_bytes_ - written_back_bytes});
        written_back_bytes = received_bytes_;
      }
      return report();
    };
    const auto restart = [&]() -> Result<void> {
      received_bytes_ = written_back_bytes = 0;
      reset_digests();
      if (::ftruncate(target_.file.get(), 0) != 0) return fail_errno("write", target_.shown);
      return {};
    };
    RTENV_TRY(store_.read(object_, info_, std::nullopt, {.write = write, .restart = restart}));
    // Space was reserved for the announced size.
    if (::ftruncate(target_.file.get(), static_cast<off_t>(received_bytes_)) != 0)
      return fail_errno("write", target_.shown);
    return {};
  }

  // Progress; skipped if another thread is reporting. Fails: cancelled.
  Result<void> report() {
    if (options_.cancellation != nullptr && options_.cancellation->requested())
      return fail(Errc::cancelled, "interrupted while fetching {}", object_.shown());
    if (!options_.on_progress) return {};
    const std::unique_lock lock(reporting_, std::try_to_lock);
    if (lock) options_.on_progress(received_bytes_, info_.size_bytes);
    return {};
  }

  ObjectStore& store_;
  const Uri& object_;
  const ObjectInfo& info_;
  const DownloadTarget& target_;
  const DownloadOptions& options_;
  Sha256 sha_;
  Xxh3 xxh3_;
  std::optional<ChecksumHash> checked_;  // of another kind than SHA-256
  RawBytes buffer_;
  std::mutex reporting_;
  std::atomic<std::uint64_t> received_bytes_{0};
};

}  // namespace

Failure fail_pin(const Uri& object, std::string_view sha256) {
  return fail(Errc::corrupt, "{} doesn't have its pinned digest {}: its SHA-256 is {}",
              object.shown(), *object.sha256, sha256)
      .hint("find out who changed it; to accept the change, pin the new digest");
}

Result<Downloaded> download_to(ObjectStore& store, const Uri& object, ObjectInfo info,
                               const DownloadTarget& target, const DownloadOptions& options) {
  bool was_damaged = false;
  for (int restarts = 0;; ++restarts) {
    auto downloaded = Download(store, object, info, target, options).run();
    const bool has_wrong_pin = downloaded && object.sha256 && downloaded->sha256 != *object.sha256;
    if (downloaded && !has_wrong_pin) return downloaded;
    if (has_wrong_pin) downloaded = fail_pin(object, downloaded->sha256);
    if (::ftruncate(target.file.get(), 0) != 0) return fail_errno("write", target.shown);
    const Errc code = downloaded.error().code();
    // A server may announce ranges and not have them.
    const bool refused_part = code == Errc::invalid_argument && info.tie != Tie::none;
    if (restarts == k_max_restarts ||
        (code != Errc::corrupt && code != Errc::changed && !refused_part))
      return Failure(std::move(downloaded).error());
    RTENV_TRY(ObjectInfo now, store.stat(object));
    const bool is_same = now.version == info.version && now.size_bytes == info.size_bytes;
    // Damage on the way isn't there the next time, and the pin of the same object is.
    if (code == Errc::corrupt && is_same && (has_wrong_pin || was_damaged))
      return Failure(std::move(downloaded).error());
    was_damaged = code == Errc::corrupt;
    info = std::move(now);
    if (refused_part) info.tie = Tie::none;
  }
}

Result<Downloaded> download(ObjectStore& store, const Uri& object, ObjectInfo info,
                            const Path& target, const DownloadOptions& options) {
  RTENV_TRY(const Fd file, open_file(target, O_RDWR | O_CREAT | O_EXCL));
  auto downloaded = download_to(store, object, std::move(info), {file, target.native()}, options);
  if (!downloaded) ::unlink(target.c_str());
  return downloaded;
}

}  // namespace rtenv::remote
