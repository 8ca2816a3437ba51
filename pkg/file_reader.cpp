#include "pkg/file_reader.hpp"

#include <fcntl.h>

namespace rtenv::pkg {

Result<void> FileReader::read(const Path& root, const Entry& entry, const Sink& sink) {
  const Path path = root / entry.path;
  // O_NONBLOCK: if a FIFO has taken the file's place since the scan, opening it must not hang.
  RTENV_TRY(const Fd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  std::uint64_t total_bytes = 0;
  for (;;) {
    RTENV_TRY(const std::size_t count, read_full(fd, buffer_, path.native()));
    total_bytes += count;
    if (total_bytes > entry.size_bytes) break;
    if (count > 0) RTENV_TRY(sink(std::span(buffer_).first(count)));
    if (count < buffer_.size()) break;
  }
  if (total_bytes != entry.size_bytes)
    return fail(Errc::unavailable, "{} changed while it was read", path.native())
        .hint("run it again when the file is still");
  return {};
}

}  // namespace rtenv::pkg
