#include "pkg/archive_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

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

Failure ArchiveFile::broken(std::string_view what) const {
  return fail(Errc::corrupt, "{} isn't a complete zip: {}", path.native(), what);
}

}  // namespace rtenv::pkg
