// Caches the content digests of one directory's files by their stamps, so that an unchanged tree is
// named by stat(2) alone. See pkg/file_stamp.hpp for when a stamp can be trusted.
//
// There is one file per directory and scheme. It is replaced as a whole, so any number of processes
// may share the folder: the last one to save wins. A file that is damaged, truncated or of another
// version is treated as empty.
//
//   file   := header record*capacity        native byte order: the file never leaves the machine
//   header := "rtenv-digests-1\n" | digest bytes | count | capacity | XXH3-64 of the records
//   record := stamp | digest                an open-addressed table; no stamp: a free slot
//
// `find` is thread-safe; `save` is for one thread, after the last `find`.
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
  /// `root` is FileStamper::root() of the directory. An unreadable file is treated as empty.
  static DigestCache open(const Path& folder, const FileStamp& root, Scheme scheme);

  [[nodiscard]] std::optional<ContentDigest> find(const FileStamp& stamp) const;

  /// Replaces the cached digests by those of these entries. If saving fails, that is only logged:
  /// the next run takes longer.
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
