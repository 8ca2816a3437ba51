// An archive: a cache entry as one file that another machine can unpack. A .tar.zst whose first
// entry, .rtenv-pack.json, is the manifest. The same entry gives the same bytes on every machine,
// provided that its filter removes what depends on the entry's path.
//
//   {"format": 1, "kind": "env", "key": "…", "digest": "…", "properties": {…},
//    "files": {"bin/x": "…", …}}
//
// `digest` covers the whole content as packed, `files` lists each file's digest. Both are verified
// after unpacking. They detect a damaged archive, not a forged one: write access to the archives is
// the permission to decide what runs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "cache/kind.hpp"
#include "cache/relocation.hpp"
#include "cache/tree_digest.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::cache {

struct ArchiveManifest;

/// Replaces what depends on the entry's path while the entry is packed. Thread-safe.
class ArchiveFilter {
 public:
  virtual ~ArchiveFilter() = default;
  /// Text to pack instead of the file's content; nullopt: the content is packed unmodified.
  virtual Result<std::optional<std::string>> replace_content(const TreeItem& item,
                                                             const Path& file) = 0;
  /// Target to pack for a link, which must lead to a path inside the entry; nullopt: the link is
  /// left out.
  virtual Result<std::optional<std::string>> replace_link(const TreeItem& item) = 0;
  /// Passed to Relocate on the other machine. Called after all replacements.
  virtual Result<nlohmann::json> properties() = 0;
};

struct ArchiveOptions {
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// Packs the entry in `folder`, which the caller has leased or pinned. `filter` may be null.
/// Fails: invalid_argument (a link out of the entry, a device), changed (a file, while
/// it is packed), cancelled, and as the filter, the sink and reading the files.
Result<void> write_archive(const Path& folder, const EntryName& entry, ArchiveFilter* filter,
                           pkg::ByteSink sink, const ArchiveOptions& options);

/// Fails: corrupt (not an archive), invalid_argument (written by a newer rtenv), and as
/// first_file_of_tar.
Result<ArchiveManifest> read_archive_manifest(const Path& archive);

/// Unpacks into `folder`, which must not exist, and verifies every digest. Fails: corrupt, and as
/// pkg::unpack.
Result<void> unpack_archive(const Path& archive, const ArchiveManifest& manifest,
                            const Path& folder, const ArchiveOptions& options);

/// Unpacks into `scratch`, an empty folder on the target's file system, relocates the content, and
/// renames it to `target`. Fails: as unpack_archive, `relocation` and rename(2).
Result<void> import_archive(const Path& archive, const ArchiveManifest& manifest,
                            const Path& scratch, const Path& target, const Relocation& relocation,
                            const ArchiveOptions& options);

}  // namespace rtenv::cache
