// Writes packages: the same tree gives the same bytes, whatever the machine, user, umask, locale,
// time zone, time of checkout or number of threads.
//
// Entries come in the order of their paths' bytes, dated 1980-01-01, with mode 0644 or 0755 (by the
// owner's execute bit), directories 0755 and only where nothing of them is in the package, links as
// links. The output is written forwards only, so it may be a pipe; memory doesn't grow with the
// size of a file. With Compression::store, the data of large files begin at multiples of 4096
// bytes, by an extra field as Android's zipalign has it: so that their blocks can be shared.
#pragma once

#include <functional>
#include <span>

#include "base/cancellation.hpp"
#include "pkg/compression.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct ZipOptions {
  Scheme scheme = Scheme::xxh3;  // of the name
  std::string
      top;  // a folder that everything lies in, within the package; the name doesn't count it
  Compression compression = Compression::automatic;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// Where a package goes, forwards only.
struct ByteSink {
  std::function<Result<void>(std::span<const std::byte>)> write;
  /// The file that `write` writes to, where it is one, at its position: large stored files share
  /// their blocks with it where its file system can. Those don't pass `write`.
  int file = -1;
};

struct WrittenZip {
  PackageName name;  // computed from the very bytes that were packed
  std::uint64_t size_bytes = 0;
};

/// Reads every file once, writes the package and says its name.
/// Fails: as digest, and as the sink.
Result<WrittenZip> write_zip(const Tree& tree, const ZipOptions& options, const ByteSink& sink);

}  // namespace rtenv::pkg
