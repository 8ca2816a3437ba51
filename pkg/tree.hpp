// The contents of a package: the entries of a directory tree, found by a scan on disk or in a
// commit, or read from a package. Plain values; about 150 bytes an entry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "pkg/file_stamp.hpp"

namespace rtenv::pkg {

class ContentSource;

enum class EntryType : std::uint8_t {
  file,
  directory,
  link,       // kept as a link; only if the scan keeps links
  name_only,  // only its name is digested (scheme ray): a dangling link, a socket, a device
  // Only its name is digested (scheme ray): everything in the folder is excluded or name_only.
  folder_name_only,
};

struct Entry {
  std::string path;  // relative to the root; see pkg/tree_path.hpp
  EntryType type = EntryType::file;
  bool executable = false;       // file: by its owner
  bool owner_only = false;       // file or directory: see pkg/entry_mode.hpp
  bool childless = false;        // directory: the package contains nothing below it
  std::uint64_t size_bytes = 0;  // file
  FileStamp stamp;               // file of a directory on disk
  std::string link_target;       // link
};

/// An entry that a scan left out, and why.
struct Excluded {
  std::string path;
  bool directory = false;  // with everything below it
  std::string reason;      // "build/.gitignore:3: *.o", "excludes: *.log", "a socket"
  std::string rules;       // the file or option with the rule; empty if it isn't a rule
};

struct Tree {
  Path root;                       // absolute
  std::vector<Entry> entries;      // sorted by the bytes of their paths; without the root
  std::vector<Excluded> excluded;  // sorted by path; see ScanOptions::record_excluded
  // Entries whose packed content may surprise the user: submodules, git-lfs pointers.
  std::vector<std::string> warnings;
  // Reads the files; null for a tree that was read from a package.
  std::shared_ptr<const ContentSource> content;

  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::size_t file_count() const;
};

}  // namespace rtenv::pkg
