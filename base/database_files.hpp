// The files of an open database: the database itself, and beside it the log (-wal) and the log's
// index (-shm), which SQLite maps. Internal to database.cpp.
//
// SQLite opens them by path, one after the other, and empties an index that no other process uses.
// If the folder or the database was exchanged meanwhile, that is the index which another connection
// of this process has mapped: its next access would end the process (SIGBUS). So the files are
// opened below a descriptor of the folder, and an index that is mapped for another database is
// refused.
#pragma once

#include <memory>

#include "base/fd.hpp"
#include "base/open_databases.hpp"
#include "base/origin.hpp"

struct sqlite3;

namespace rtenv {

/// Not thread-safe, but several threads may have some.
class DatabaseFiles {
 public:
  /// `path` need not exist yet. Fails: as open(2) of its folder.
  static Result<std::unique_ptr<DatabaseFiles>> at(const Path& path);
  DatabaseFiles(const DatabaseFiles&) = delete;
  DatabaseFiles& operator=(const DatabaseFiles&) = delete;
  /// Requires: the connection is closed.
  ~DatabaseFiles();

  /// As it was given, for messages.
  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// The same file, whatever name its folder has. For a VFS that doesn't resolve links.
  [[nodiscard]] const Path& path_in_folder() const noexcept { return path_in_folder_; }

  /// The database is open, its log not yet. Fails: unavailable (removed or replaced since; beside
  /// it is the log of another one that is open).
  Result<void> note_open(sqlite3* handle);
  /// The log is open, too.
  void note_index();
  /// Fails: unavailable (`path` doesn't lead to the file that is open).
  [[nodiscard]] Result<void> check_present() const;

 private:
  DatabaseFiles(Path path, Fd folder);
  [[nodiscard]] std::string name() const { return path_.filename().native(); }
  [[nodiscard]] Failure fail_exchanged() const;

  Origin origin_;
  Path path_;
  Fd folder_;
  Path path_in_folder_;
  std::optional<OpenDatabases::Handle> open_;
};

}  // namespace rtenv
