// Caches a directory's name by the stamp of its tree, and the content digests of its files by their
// stamps, so that an unchanged file isn't read. See pkg/file_stamp.hpp for when a stamp can be
// trusted.
//
// There is one file per directory and scheme. It is replaced as a whole, so any number of processes
// may share the folder: the last one to save wins. A file that is damaged, truncated or of another
// version is treated as empty.
//
//   file   := header record*capacity        native byte order: the file never leaves the machine
//   header := "rtenv-digests-3\n" | digest bytes | count | capacity | XXH3-64 of the records
//             | stamp of the tree | its name's digits | XXH3-64 of the header
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
  /// `root` is FileStamper::root() of the directory. Reads nothing yet.
  DigestCache(const Path& folder, const FileStamp& root, Scheme scheme);

  /// The name of the tree with this stamp, if it was the last one that was saved.
  [[nodiscard]] std::optional<PackageName> find_name(const FileStamp& tree) const;

  /// Reads the digests. An unreadable file is treated as empty.
  void load();
  /// Requires: load, a settled stamp.
  [[nodiscard]] std::optional<ContentDigest> find(const FileStamp& stamp) const;

  struct NamedTree {
    FileStamp stamp;
    PackageName name;
  };
  /// Replaces the cached digests by those of these entries, and the name. If saving fails, that is
  /// only logged: the next run takes longer.
  void save(const std::vector<Entry>& entries, const std::vector<ContentDigest>& digests,
            const std::optional<NamedTree>& tree) const;

 private:
  [[nodiscard]] std::size_t record_bytes() const { return sizeof(FileStamp) + digest_bytes_; }

  Path folder_;
  Path file_;
  Scheme scheme_;
  std::size_t digest_bytes_;
  std::vector<std::byte> records_;
  std::size_t capacity_ = 0;  // a power of two, or 0
};

}  // namespace rtenv::pkg
