// Unpacks an archive into a folder, all or nothing, and lets nothing out of it.
//
// Read: zip (also .whl, .jar) by our own reader, in parallel; tar, plain or by gzip, xz, bzip2 or
// zstd, through libarchive. The format is found in the content, not in the name. Refused, with the
// entry's name: absolute paths, "..", drive names, links that lead out, devices, sockets, set-uid
// and set-gid files, an entry that is there twice, and what exceeds the limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv::pkg {

struct UnpackLimits {
  std::uint64_t max_total_bytes = 64ULL << 30U;
  std::uint64_t max_entries = 4'000'000;
  // Unpacked to packed, looked at from 1 GiB on. Deflate itself can't exceed 1032.
  std::uint64_t max_ratio = 1100;
};

struct UnpackOptions {
  UnpackLimits limits;
  bool strip_top = false;  // where everything lies in one top folder (a __MACOSX beside it doesn't
                           // count), drop that folder
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

struct UnpackSummary {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t links = 0;
  std::uint64_t total_bytes = 0;
};

/// `target` is made; it must not exist, or be an empty folder. After a failure it is as it was
/// before. Permission bits are kept (a file without any gets 0644); set-up of owners and times
/// isn't. Fails: not_found, already_exists (the target), invalid_argument (refused), corrupt,
/// out_of_space, cancelled.
Result<UnpackSummary> unpack(const Path& archive, const Path& target, const UnpackOptions& options);

/// The content of the first entry of a tar archive, without unpacking the rest; nothing where it
/// isn't a file of this name. Fails: corrupt (no tar archive; longer than `max_bytes`), and as
/// read.
Result<std::optional<std::string>> first_file_of_tar(const Path& archive, std::string_view name,
                                                     std::size_t max_bytes);

}  // namespace rtenv::pkg
