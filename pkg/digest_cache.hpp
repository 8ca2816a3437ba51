// Remembers the content digests of one directory's files by their stamps, so that an unchanged tree
// is named from its stats alone. See pkg/file_stamp.hpp for when a stamp can be trusted.
//
// One file a directory and scheme; it is replaced as a whole, so any number of processes may share
// the folder: the last one to save wins. A file that is damaged, cut short or of another version
// counts as empty.
//
//   file   := header record*capacity        native byte order: the file never leaves the machine
//   header := "rtenv-digests-1\n" | digest bytes | count | capacity | XXH3-64 of the records
//   record := stamp | digest                an open-addressed table; no stamp: a free slot
//
// Thread-safe for `find`; `save` is for one thread, after the last `find`.
#pragma once

#include <optional>
#include <vector>

#include "pkg/content_digest.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

class DigestCache {
 public:
  /// `root` is FileStamper::root() of the directory. Never fails: what can't be read is as if it
  /// weren't there.
  static DigestCache open(const Path& folder, const FileStamp& root, Scheme scheme);

  [[nodiscard]] std::optional<ContentDigest> find(const FileStamp& stamp) const;

  /// Remembers the digests of these entries and nothing else.
  /// Failing to save is no failure of the work: it is logged, and the next time takes longer.
  void save(const std::vector<Entry>& entries, const std::vector<ContentDigest>& digests) const;

 private:
  DigestCache(Path folder, Path file, std::size_t digest_bytes)
      : folder_(std::move(folder)), file_(std::move(file)), digest_bytes_(digest_bytes) {}
  [[nodiscard]] std::size_t record_bytes() const { return sizeof(FileStamp) + digest_bytes_; }

  Path folder_;
  Path file_;
  std::size_t digest_bytes_;
  std::vector<std::byte> records_;
  std::size_t capacity_ = 0;  // a power of two, or 0
};

}  // namespace rtenv::pkg
