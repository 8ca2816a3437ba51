#include "envbuild/fetch_to.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/raw_bytes.hpp"
#include "base/temp_dir.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_buffer_bytes = 1U << 20U;

// Its folder is removed at once, so that nothing is left after a kill.
Result<Fd> open_unnamed_file() {
  RTENV_TRY(const TempDir folder, TempDir::create());
  return open_file(folder.path() / "object", O_RDWR | O_CREAT | O_EXCL, 0600);
}

Result<void> copy_to_stream(const Fd& file, OutputFile& output) {
  RawBytes buffer(k_buffer_bytes);
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(file, buffer, offset, "the fetched object"));
    RTENV_TRY(output.write(std::span<const std::byte>(buffer).first(count)));
    if (count < buffer.size()) return {};
    offset += static_cast<off_t>(count);
  }
}

// Fails also: corrupt (it doesn't have this digest).
Result<void> copy_verified(const Path& from, const remote::DownloadTarget& to,
                           const std::string& sha256, const Cancellation* cancellation) {
  RTENV_TRY(const Fd file, open_regular_file(from, O_RDONLY));
  RawBytes buffer(k_buffer_bytes);
  Sha256 digest;
  for (std::size_t count = buffer.size(); count == buffer.size();) {
    RTENV_TRY(check_not_cancelled(cancellation, "copying", from.native()));
    RTENV_TRY(count, read_full(file, buffer, from.native()));
    const auto data = std::span<const std::byte>(buffer).first(count);
    digest.add(data);
    RTENV_TRY(write_full(to.file, data, to.shown));
  }
  if (to_hex(digest.finish()) == sha256) return {};
  return fail(Errc::corrupt, "{} is damaged", from.native());
}

// Writes what the cache has with the URI's pin. False: nothing, or it is damaged.
Result<bool> write_pinned(const remote::Uri& uri, const remote::DownloadTarget& target,
                          cache::Cache& cache, const Cancellation* cancellation) {
  RTENV_TRY(const auto pinned, find_pinned_file(uri, cache));
  if (!pinned) return false;
  const auto copied = copy_verified(pinned->path, target, *uri.sha256, cancellation);
  if (copied) return true;
  if (copied.error().code() != Errc::corrupt) return Failure(copied.error());
  if (::ftruncate(target.file.get(), 0) != 0 || ::lseek(target.file.get(), 0, SEEK_SET) != 0)
    return fail_errno("write", target.shown);
  return false;
}

// From the cache, if the pin allows it, else from the store.
Result<remote::Downloaded> write_object(const remote::Uri& uri,
                                        const remote::DownloadTarget& target, cache::Cache* cache,
                                        const FetchOptions& options) {
  if (cache != nullptr) {
    RTENV_TRY(const bool written, write_pinned(uri, target, *cache, options.store.cancellation));
    if (written) return remote::Downloaded{.info = {}, .sha256 = *uri.sha256, .xxh3 = {}};
  }
  RTENV_TRY(const auto store, remote::open_store(uri, options.store));
  RTENV_TRY(const auto info, store->stat(uri));
  return remote::download_to(
      *store, uri, info, target,
      {.on_progress = options.on_progress, .cancellation = options.store.cancellation});
}

}  // namespace

Result<remote::Downloaded> fetch_to(const remote::Uri& uri, OutputFile& output,
                                    const std::string& shown, cache::Cache* cache,
                                    const FetchOptions& options) {
  RTENV_TRY(check_fetchable(uri, options));
  if (!output.is_stream()) return write_object(uri, {output.fd(), shown}, cache, options);
  RTENV_TRY(const Fd file, open_unnamed_file());
  RTENV_TRY(auto downloaded, write_object(uri, {file, "a temporary file"}, cache, options));
  RTENV_TRY(copy_to_stream(file, output));
  return downloaded;
}

}  // namespace rtenv::envbuild
