// The digest that names a tree, in Ray's scheme and in rtenv's own.
//
// ray, byte for byte (Ray 2.60, packaging.py): the state begins as eight ASCII zeros; for the root
// (".") and every directory and file, the first eight bytes of SHA-1(relative path, then the
// content of what isn't a directory) are XORed into it. Order doesn't matter; of what can't be
// opened only the path counts.
//
// xxh3 and sha256, over a manifest, hashed by XXH3-128 or SHA-256:
//   manifest := "rtenv-tree-1\n" entry*          entries in the order of their paths' bytes
//   entry    := 'f'|'x' text size content        a file; x where its owner may execute it
//             | 'd' text                         a directory of which nothing is in the package
//             | 'l' text text                    a link and its target
//   text     := size bytes                       size: 8 bytes, little-endian
//   content  := the digest of the file's bytes by the same function, 16 or 32 bytes
#pragma once

#include <memory>
#include <string_view>

#include "base/cancellation.hpp"
#include "pkg/content_digest.hpp"
#include "pkg/digest_cache.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// The digest of one file's content as its scheme wants it. One object may hash many files, one
/// after another.
class ContentHasher {
 public:
  static std::unique_ptr<ContentHasher> create(Scheme scheme);
  virtual ~ContentHasher() = default;
  /// Begins a file; `path` is its relative path, which counts in the scheme ray.
  virtual void begin(std::string_view path) = 0;
  virtual void add(std::span<const std::byte> data) = 0;
  virtual ContentDigest finish() = 0;
};

/// Puts the entries' digests together. Entries come in the order of their paths.
class TreeHasher {
 public:
  static std::unique_ptr<TreeHasher> create(Scheme scheme);
  virtual ~TreeHasher() = default;
  /// `content`: what ContentHasher made of a file; empty for other entries.
  virtual void add(const Entry& entry, const ContentDigest& content) = 0;
  virtual PackageName finish() = 0;
};

struct DigestOptions {
  Scheme scheme = Scheme::xxh3;
  unsigned threads = 1;
  const DigestCache* cache =
      nullptr;  // files whose stamps it knows aren't read; it is saved in the end
  const Cancellation* cancellation = nullptr;
};

/// Reads the files of the tree and names it. Afterwards every file is measured.
/// Fails: not_found, permission_denied (a file; in the scheme ray its path alone counts),
/// unavailable (a file that changed since the scan), cancelled.
Result<PackageName> digest(Tree& tree, const DigestOptions& options);

}  // namespace rtenv::pkg
