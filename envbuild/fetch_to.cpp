#include "envbuild/fetch_to.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_buffer_bytes = 1U << 20U;

// False: the cached file can't be read, or is damaged. Fails: cancelled, and as the target.
Result<bool> copy_verified(const Path& from, const remote::DownloadTarget& to,
                           const std::string& sha256, const Cancellation* cancellation) {
  const auto file = open_regular_file(from, O_RDONLY);
  if (!file) return false;
  RawBytes buffer(k_buffer_bytes);
  Sha256 digest;
  for (std::size_t size = buffer.size(); size == buffer.size();) {
    RTENV_TRY(check_not_cancelled(cancellation, "copying", from.native()));
    const auto count = read_full(*file, buffer, from.native());
    if (!count) return false;
    size = *count;
    const auto data = std::span<const std::byte>(buffer).first(size);
    digest.add(data);
    RTENV_TRY(write_full(to.file, data, to.shown));
  }
  return to_hex(digest.finish()) == sha256;
}

// Writes what the cache has with the URI's pin. False: nothing of use; then the store is asked.
Result<bool> write_pinned(const remote::Uri& uri, const remote::DownloadTarget& target,
                          cache::Cache& cache, const Cancellation* cancellation) {
  const auto pinned = find_pinned_file(uri, cache);
  if (!pinned) log::debug("{}", pinned.error().message());
  if (!pinned || !*pinned) return false;
  const Path& path = (*pinned)->path;
  RTENV_TRY(const bool copied, copy_verified(path, target, *uri.sha256, cancellation));
  if (copied) return true;
  log::debug("{} is damaged, or can't be read", path.native());
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

Result<remote::Downloaded> fetch_to(const remote::Uri& uri, const OutputFile& output,
                                    cache::Cache* cache, const FetchOptions& options) {
  RTENV_TRY(check_fetchable(uri, options));
  return write_object(uri, {output.fd(), output.fd_name()}, cache, options);
}

}  // namespace rtenv::envbuild
