#include "remote/download.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

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
                      const Path& target) {
  while (!data.empty()) {
    const ssize_t count =
        ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write", target.native());
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

class Download {
 public:
  Download(ObjectStore& store, const Uri& object, const ObjectInfo& info, const Path& target,
           const DownloadOptions& options)
      : store_(store), object_(object), info_(info), target_(target), options_(options) {}

  /// Returns the SHA-256.
  Result<std::string> run() {
    RTENV_TRY(file_, open_file(target_, O_RDWR | O_CREAT | O_EXCL));
    RTENV_TRY(reserve_space());
    const bool in_parts =
        info_.tie != Tie::none && info_.size_bytes && *info_.size_bytes >= k_parallel_from_bytes;
    RTENV_TRY(in_parts ? download_parts() : download_stream());
    RTENV_TRY(report());
    return to_hex(sha_.finish());
  }

 private:
  // Fails before the download if the disk is too small.
  Result<void> reserve_space() const {
    if (!info_.size_bytes || *info_.size_bytes == 0) return {};
    const int done = ::fallocate(file_.get(), 0, 0, static_cast<off_t>(*info_.size_bytes));
    if (done != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
      return fail_errno("write", target_.native());
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
      RTENV_TRY(write_at(file_, data, range.offset + done_bytes, target_));
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
      RTENV_TRY(
          const std::size_t count,
          read_full_at(file_, wanted, static_cast<off_t>(range.offset + done), target_.native()));
      if (count != wanted.size())
        return fail(Errc::corrupt, "{} was truncated while it was written", target_.native());
      sha_.add(wanted);
      done += count;
    }
    return {};
  }

  Result<void> download_stream() {
    const auto write = [&](std::span<const std::byte> data) -> Result<void> {
      RTENV_TRY(write_at(file_, data, received_bytes_, target_));
      sha_.add(data);
      received_bytes_ += data.size();
      return report();
    };
    const auto restart = [&]() -> Result<void> {
      received_bytes_ = 0;
      sha_.reset();
      if (::ftruncate(file_.get(), 0) != 0) return fail_errno("write", target_.native());
      return {};
    };
    RTENV_TRY(store_.read(object_, info_, std::nullopt, {.write = write, .restart = restart}));
    // Space was reserved for the announced size.
    if (::ftruncate(file_.get(), static_cast<off_t>(received_bytes_)) != 0)
      return fail_errno("write", target_.native());
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
  const Path& target_;
  const DownloadOptions& options_;
  Fd file_;
  Sha256 sha_;
  RawBytes buffer_;
  std::mutex reporting_;
  std::atomic<std::uint64_t> received_bytes_{0};
};

}  // namespace

Failure fail_pin(const Uri& object, std::string_view sha256) {
  return fail(Errc::corrupt, "{} doesn't have its pinned digest: its SHA-256 is {}", object.shown(),
              sha256)
      .hint("expected {}", *object.sha256);
}

Result<Downloaded> download(ObjectStore& store, const Uri& object, ObjectInfo info,
                            const Path& target, const DownloadOptions& options) {
  for (int restarts = 0;; ++restarts) {
    auto sha256 = Download(store, object, info, target, options).run();
    if (sha256 && object.sha256 && *sha256 != *object.sha256)
      sha256 = fail_pin(object, *sha256);
    else if (sha256)
      return Downloaded{.info = std::move(info), .sha256 = std::move(*sha256)};
    ::unlink(target.c_str());
    const Errc code = sha256.error().code();
    // A server may announce ranges and not have them.
    const bool refused_part = code == Errc::invalid_argument && info.tie != Tie::none;
    if (restarts == k_max_restarts ||
        (code != Errc::corrupt && code != Errc::changed && !refused_part))
      return Failure(std::move(sha256).error());
    RTENV_TRY(ObjectInfo now, store.stat(object));
    const bool is_same = now.version == info.version && now.size_bytes == info.size_bytes;
    if (code == Errc::corrupt && is_same) return Failure(std::move(sha256).error());
    info = std::move(now);
    if (refused_part) info.tie = Tie::none;
  }
}

}  // namespace rtenv::remote
