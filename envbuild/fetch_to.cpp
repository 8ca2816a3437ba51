#include "envbuild/fetch_to.hpp"

#include <fcntl.h>

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

}  // namespace

Result<remote::Downloaded> fetch_to(const remote::Uri& uri, OutputFile& output,
                                    const std::string& shown, const FetchOptions& options) {
  RTENV_TRY(check_fetchable(uri, options));
  RTENV_TRY(const auto store, remote::open_store(uri, options.store));
  RTENV_TRY(const auto info, store->stat(uri));
  const remote::DownloadOptions download{.on_progress = options.on_progress,
                                         .cancellation = options.store.cancellation};
  if (!output.is_stream())
    return remote::download_to(*store, uri, info, {output.fd(), shown}, download);
  RTENV_TRY(const Fd file, open_unnamed_file());
  RTENV_TRY(auto downloaded,
            remote::download_to(*store, uri, info, {file, "a temporary file"}, download));
  RTENV_TRY(copy_to_stream(file, output));
  return downloaded;
}

}  // namespace rtenv::envbuild
