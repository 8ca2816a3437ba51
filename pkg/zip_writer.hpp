// Writes packages. The same tree gives the same bytes, for any user, umask of rtenv, locale, time
// zone, time of checkout and number of threads, on every x86-64 processor with SSE4.2; what else
// that depends on is in docs/decisions/0003-deterministic-deflate.md.
//
// Entries are in the order of their paths' bytes and dated 1980-01-01. Modes: see
// pkg/entry_mode.hpp. A directory is only listed if others may not enter it, or the package has
// nothing below it. Links are links. The output may be a pipe, and its readers may read it from
// one; memory doesn't grow with the size of a file. With Compression::store, the data of large
// files begin at multiples of 4096 bytes, padded by an extra field as by Android's zipalign, so
// that their blocks can be shared. Their checksums are before their data: corrected in a file, from
// a first reading for a pipe.
#pragma once

#include "base/cancellation.hpp"
#include "base/progress_meter.hpp"
#include "pkg/byte_sink.hpp"
#include "pkg/compression.hpp"
#include "pkg/package_name.hpp"

namespace rtenv::pkg {

struct Tree;

struct ZipOptions {
  Scheme scheme = Scheme::xxh3;  // of the name
  std::string top;  // a folder of the package that contains everything; not part of the name
  Compression compression = Compression::automatic;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  /// Called by the thread that writes, with the size of what was packed so far and of all.
  ProgressMeter::Report on_progress;
};

struct WrittenZip {
  PackageName name;  // computed from the same bytes that were packed
  std::uint64_t size_bytes = 0;
};

/// Reads every file, writes the package and returns its name. Entries become what was read, if
/// files changed since the scan. Fails: permission_denied, changed (a file or folder,
/// meanwhile), invalid_argument (a path is too long), cancelled, and as the sink.
Result<WrittenZip> write_zip(Tree& tree, const ZipOptions& options, const ByteSink& sink);

}  // namespace rtenv::pkg
