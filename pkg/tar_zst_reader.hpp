// Unpacks archives written by TarWriter, in parallel: threads decompress frames, and write and
// digest files while they are in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/unpack.hpp"

namespace rtenv::pkg {

struct DigestedFile {
  std::string path;
  std::string xxh3;  // XXH3-128 of its content, 32 lower-case hex digits
};

/// The unpacked files, sorted by path. `folder` must exist and be empty; after a failure its
/// content is undefined. Nullopt, with nothing written, if the archive isn't a series of zstd
/// frames that declare their size: use `unpack` then. Memory: 16 MiB per thread, and the declared
/// size of a frame, at most 64 MiB. Fails: as unpack.
Result<std::optional<std::vector<DigestedFile>>> unpack_tar_zst(const Path& archive,
                                                                const Path& folder,
                                                                const UnpackOptions& options);

}  // namespace rtenv::pkg
