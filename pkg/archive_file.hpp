// An archive that is open: everything that is read of it is of the same file, whatever its path
// leads to meanwhile. Move-only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

struct ArchiveFile {
  Path path;  // for messages
  Fd fd;      // at the beginning
  std::uint64_t size_bytes = 0;

  /// Another descriptor of the same open file. Fails: as dup(2).
  [[nodiscard]] Result<ArchiveFile> duplicate() const;
  /// The error for a zip that is damaged. Code: corrupt.
  [[nodiscard]] Failure broken(std::string_view what) const;
};

/// Fails: not_found, permission_denied.
Result<ArchiveFile> open_archive_file(const Path& path);

}  // namespace rtenv::pkg
