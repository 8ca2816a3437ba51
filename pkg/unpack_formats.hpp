// The parts of `unpack` for each format: they read the whole archive, check what it says of each
// entry, and pass it to the target.
#pragma once

#include "pkg/archive_file.hpp"
#include "pkg/unpack_budget.hpp"
#include "pkg/unpack_target.hpp"

namespace rtenv::pkg {

/// Other data may precede a zip: a script's first line, a program. What begins as one is one, also
/// if it is damaged. Fails: as read(2).
Result<bool> is_zip(const ArchiveFile& file);

Result<void> unpack_zip(const ArchiveFile& file, const MakeTarget& make_target,
                        const UnpackOptions& options, UnpackBudget& budget);
Result<void> unpack_tar(const ArchiveFile& file, const MakeTarget& make_target,
                        UnpackBudget& budget);

/// As the format requires. Fails: as `unpack`, and as the target.
Result<void> unpack_to(const ArchiveFile& file, const MakeTarget& make_target,
                       const UnpackOptions& options, UnpackBudget& budget);

}  // namespace rtenv::pkg
