// What belongs to a package: the entries of a directory tree, as a scan found them on disk or a
// reader in a package. Plain values; about 150 bytes an entry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "pkg/content_source.hpp"
#include "pkg/file_stamp.hpp"

namespace rtenv::pkg {

enum class EntryType : std::uint8_t {
  file,
  directory,
  link,       // kept as a link; only where the scan keeps links
  name_only,  // counts by its name alone (scheme ray): a dangling link, a socket, a device
};

struct Entry {
  std::string path;  // relative to the root, '/' between the parts, the bytes as on disk
  EntryType type = EntryType::file;
  bool executable = false;  // file: by its owner
  bool childless = false;   // directory: nothing of it is in the package
  bool measured =
      true;  // file: size and executable bit are known; where not, who reads it first fills them in
  std::uint64_t size_bytes = 0;  // file
  FileStamp stamp;               // file: none unless the scan was asked for stamps
  std::string link_target;       // link
};

/// Something that a scan left out, and why.
struct Excluded {
  std::string path;
  bool directory = false;  // all of it
  std::string reason;      // "build/.gitignore:3: *.o", "excludes: *.log", "a socket"
};

struct Tree {
  Path root;  // absolute
  std::vector<Entry>
      entries;  // sorted by the bytes of their paths; the root itself isn't among them
  std::vector<Excluded> excluded;  // sorted by path; see ScanOptions::record_excluded
  std::vector<std::string>
      warnings;  // what is packed otherwise than its user may think: submodules, git-lfs pointers
  std::shared_ptr<const ContentSource>
      content;  // of the files; none for what isn't read through it
  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::size_t file_count() const;
};

/// The path of `name` in a folder of the tree, whose own path is empty for the root.
std::string join_path(const std::string& folder, std::string_view name);

/// Whether a link at `path` may be kept: its target is relative and can't leave the tree. ".."
/// counts only at the target's beginning, because behind a folder that is itself a link it would
/// lead elsewhere.
bool stays_inside(std::string_view path, std::string_view target);

}  // namespace rtenv::pkg
