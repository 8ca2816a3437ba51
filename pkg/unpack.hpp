// Unpacks an archive into a folder: all or nothing, and never outside of the folder.
//
// Formats: zip (also .whl, .jar) by our own reader, in parallel; tar, plain or compressed by gzip,
// xz, bzip2 or zstd, through libarchive. The format is detected from the content, not from the
// name. These are refused, with the entry's name: absolute paths, "..", drive names, links that
// lead out, devices, sockets, set-uid and set-gid files, and duplicate entries. Archives that
// exceed the limits are refused, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/fd.hpp"
#include "base/progress_meter.hpp"
#include "pkg/target_folder.hpp"

namespace rtenv::pkg {

struct UnpackLimits {
  std::uint64_t max_total_bytes = 64ULL << 30U;
  std::string reason = {};  // for max_total_bytes, for the error; may be empty
  std::uint64_t max_entries = 4'000'000;
  // Unpacked size to packed size, checked from 1 GiB on. Deflate itself can't exceed 1032.
  std::uint64_t max_ratio = 1100;
  std::string hint = {};  // what to do about an archive that exceeds them; may be empty
};

struct UnpackOptions {
  UnpackLimits limits;
  // If everything is in one top folder, drop that folder. A __MACOSX beside it doesn't count.
  bool strip_top = false;
  Modes modes = Modes::exact;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  ProgressMeter::Report on_progress = {};  // of what is unpacked
};

struct UnpackSummary {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t links = 0;
  std::uint64_t total_bytes = 0;
};

/// `target` must not exist, or be an empty folder; after a failure it is unchanged. Permission bits
/// are restored (see pkg/entry_mode.hpp; a file without any gets 0644), owners and times aren't.
/// Fails: not_found, already_exists (the target), invalid_argument (refused), corrupt,
/// out_of_space, cancelled.
Result<UnpackSummary> unpack(const Path& archive, const Path& target, const UnpackOptions& options);

/// The content of the first entry of a tar archive, without reading the rest; nullopt if it isn't a
/// file of this name. Fails: corrupt (not a tar archive; the file is longer than `max_bytes`).
Result<std::optional<std::string>> first_file_of_tar(const Path& archive, std::string_view name,
                                                     std::size_t max_bytes);

}  // namespace rtenv::pkg
