// The SQLite databases that this process has open. Two things would harm them, whoever does them:
//
// - Closing any other descriptor of a database's file, or of its log's index: that drops the locks
//   which SQLite has on it (fcntl(2); https://www.sqlite.org/howtocorrupt.html, 2.2). Fd closes
//   descriptors here, so that a directory with a cache can be packed while the cache is open.
// - Opening a database beside the log of another one: see DatabaseFiles.
//
// Thread-safe. A fork has none of its parent's locks: there, only its own databases count.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "base/origin.hpp"

namespace rtenv {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

class OpenDatabases {
 public:
  struct Entry {
    FileId folder;
    FileId file;
    std::optional<FileId> index;  // of the log; nullopt: not open yet
    std::vector<int> kept;        // descriptors of these files, to be closed with the database
    Origin origin;
  };
  using Handle = std::list<Entry>::iterator;

  static OpenDatabases& of_process();
  /// Closes a descriptor, or keeps it while it is one of an open database's files.
  static void close_descriptor(int number) noexcept;

  /// Before a database's files are opened. Each call has an end_use().
  void begin_use() noexcept { ++uses_; }
  void end_use() noexcept { --uses_; }
  /// Before the database is locked. `index`: the file in the place of its log's index. Returns
  /// nullopt if that may be the index of another database.
  std::optional<Handle> add(FileId folder, FileId file, std::optional<FileId> index);
  void set_index(Handle entry, std::optional<FileId> index);
  /// Requires: SQLite has closed the database.
  void remove(Handle entry) noexcept;

 private:
  Entry* find_file(const FileId& file);
  static void keep(Entry& entry, int number) noexcept;

  Origin origin_;
  std::atomic<int> uses_ = 0;
  std::mutex mutex_;
  std::list<Entry> entries_;  // guarded by mutex_
};

}  // namespace rtenv
