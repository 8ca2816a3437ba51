// The SQLite databases that this process has open. Two things would harm them, whoever does them:
//
// - Closing any other descriptor of a database's file, or of its log's index: that drops the locks
//   which SQLite has on it (fcntl(2); https://www.sqlite.org/howtocorrupt.html, 2.2). Fd closes
//   descriptors here, so that a directory with a cache can be packed while the cache is open.
//   Each of them costs a descriptor, so who reads whole trees leaves such files alone: has().
// - Opening a database beside the log of another one: see DatabaseFiles.
//
// Thread-safe. A fork begins without any: it has none of its parent's locks.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace rtenv {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

/// Of a file in an open folder, or of the folder itself, if the name is empty. Nullopt: there is
/// none.
std::optional<FileId> file_id(int folder, const char* name);

class OpenDatabases {
 public:
  struct Entry {
    FileId folder;
    FileId file;
    int folder_number = -1;            // a descriptor, which stays open
    std::string file_name;             // in that folder
    std::string index_name;            // of the log
    std::optional<FileId> index = {};  // nullopt: it isn't open yet
    std::vector<int> kept = {};        // descriptors of these files, closed with the database
  };
  using Handle = std::list<Entry>::iterator;

  static OpenDatabases& of_process() noexcept;
  /// Closes a descriptor, or keeps it while it is one of an open database's files.
  static void close_descriptor(int number) noexcept;

  /// Whether a name in an open folder is that of a database's file, or of its log's index.
  [[nodiscard]] bool has(int folder, const char* name);

  /// Before a database's files are opened. Each call has an end_use().
  void begin_use() noexcept { ++uses_; }
  void end_use() noexcept { --uses_; }
  /// Before the database is locked. Returns nullopt if the file in the place of its log's index may
  /// be that of another database.
  std::optional<Handle> add(Entry entry);
  /// The log is open.
  void note_index(Handle entry);
  /// Requires: SQLite has closed the database.
  void remove(Handle entry) noexcept;

 private:
  Entry* find_file(const FileId& file);
  static void keep(Entry& entry, int number) noexcept;
  static void begin_anew() noexcept;

  std::atomic<int> uses_ = 0;
  std::mutex mutex_;
  std::list<Entry> entries_;  // guarded by mutex_
};

}  // namespace rtenv
