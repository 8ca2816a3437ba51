#include "pkg/archive_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "base/hash.hpp"

namespace rtenv::pkg {

Result<ArchiveFile> open_archive_file(const Path& path) {
  RTENV_TRY(Fd fd, open_regular_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("read", path.native());
  return ArchiveFile{path, std::move(fd), static_cast<std::uint64_t>(status.st_size)};
}

Result<ArchiveFile> ArchiveFile::duplicate() const {
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("read", path.native());
  return ArchiveFile{path, std::move(copy), size_bytes};
}

Result<std::string> ArchiveFile::sha1_hex(const Cancellation* cancellation) const {
  constexpr std::size_t k_piece_bytes = 1 << 18;
  Sha1 sha;
  std::vector<std::byte> buffer(k_piece_bytes);
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(fd, buffer, offset, path.native()));
    sha.add(std::span<const std::byte>(buffer).first(count));
    RTENV_TRY(check_not_cancelled(cancellation, "reading", path.native()));
    if (count < buffer.size()) return to_hex(sha.finish());
    offset += static_cast<off_t>(count);
  }
}

Failure ArchiveFile::broken(std::string_view what) const {
  return fail(Errc::corrupt, "{} isn't a complete zip: {}", path.native(), what);
}

}  // namespace rtenv::pkg
