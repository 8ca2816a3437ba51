// Lists an archive: what `unpack` would create, after the same checks, and the name that a package
// of it would have. Writes nothing.
#pragma once

#include <vector>

#include "pkg/archive_file.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {

struct ArchiveList {
  std::vector<Entry> entries;  // sorted by path; the folders that the archive has entries for
  UnpackSummary summary;
  PackageName name;
};

/// Reads the whole archive. Fails: as `unpack`, without what concerns a target.
Result<ArchiveList> list_archive(const ArchiveFile& archive, Scheme scheme,
                                 const UnpackOptions& options);
Result<ArchiveList> list_archive(const Path& archive, const UnpackOptions& options);

}  // namespace rtenv::pkg
