// The digest that names a tree, in Ray's scheme and in rtenv's own schemes.
//
// ray, byte for byte as in Ray 2.60 (packaging.py): the state begins as eight ASCII zeros. For the
// root (".") and every directory and file, the first eight bytes of a SHA-1 are XORed into it: over
// the relative path and, unless it is a directory, the content. The order doesn't matter. For an
// entry that can't be opened, only the path is hashed.
//
// xxh3 and sha256 hash a manifest by XXH3-128 or SHA-256:
//   manifest := "rtenv-tree-1\n" entry*          entries in the order of their paths' bytes
//   entry    := 'f'|'x' text size content        a file; x if its owner may execute it
//             | 'd' text                         a directory with nothing below it in the package
//             | 'l' text text                    a link and its target
//   text     := size bytes                       size: 8 bytes, little-endian
//   content  := the digest of the file's bytes by the same function, 16 or 32 bytes
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/progress_meter.hpp"
#include "pkg/content_digest.hpp"
#include "pkg/package_name.hpp"
#include "pkg/package_stats.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

class DigestCache;

/// Hashes files as a scheme requires, one after another. Not thread-safe.
class ContentHasher {
 public:
  static std::unique_ptr<ContentHasher> create(Scheme scheme);
  virtual ~ContentHasher() = default;
  /// Starts a file; `path` is its relative path, which the scheme ray hashes, too.
  virtual void begin(std::string_view path) = 0;
  virtual void add(std::span<const std::byte> data) = 0;
  virtual ContentDigest finish() = 0;
};

/// Combines the digests of entries, added in the order of their paths. Not thread-safe.
class TreeHasher {
 public:
  static std::unique_ptr<TreeHasher> create(Scheme scheme);
  virtual ~TreeHasher() = default;
  /// `content` is the ContentHasher's digest of a file; empty for other entries.
  virtual void add(const Entry& entry, const ContentDigest& content) = 0;
  virtual PackageName finish() = 0;
};

struct DigestOptions {
  Scheme scheme = Scheme::xxh3;
  unsigned threads = 1;
  // Files whose stamps it contains aren't read; it is saved at the end. Not owned.
  const DigestCache* cache = nullptr;
  std::optional<FileStamp> tree_stamp;  // of the whole tree, to save its name
  const Cancellation* cancellation = nullptr;
  ProgressMeter::Report on_progress = {};  // of what is read
  PackageStats* stats = nullptr;           // what was read is added; may be null
};

/// Reads the files of the tree, as they are now, and names it. Fails: permission_denied (an
/// unreadable file, except in the scheme ray), changed (a file or folder, meanwhile),
/// cancelled.
Result<PackageName> digest(Tree& tree, const DigestOptions& options);

/// The name of a tree whose files have these digests; one for each entry, empty if it isn't a file.
PackageName combine_digests(const std::vector<Entry>& entries,
                            const std::vector<ContentDigest>& contents, Scheme scheme);

}  // namespace rtenv::pkg
