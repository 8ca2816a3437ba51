// Unpacks what TarWriter has written, with every processor: frames are decompressed and files are
// written several at a time, and each file is digested while it is in memory.
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

/// `folder` is there and empty; after a failure its content is undefined. Nothing where the archive
/// isn't of frames that say their size: then nothing was written. Memory: 16 MiB a thread, and as
/// much as a frame claims, up to 64 MiB. Fails: as unpack.
Result<std::optional<std::vector<DigestedFile>>> unpack_tar_zst(const Path& archive,
                                                                const Path& folder,
                                                                const UnpackOptions& options);

}  // namespace rtenv::pkg
