// A small wrapper of SQLite; only database.cpp includes sqlite3.h. Not thread-safe: one thread at a
// time may use a Database and its statements. Several processes may have the same file open, but
// not by one Database: after fork(2), its functions fail in the child (invalid_argument). They also
// fail (unavailable) once the file was removed or replaced.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/database_files.hpp"
#include "base/exceptions.hpp"
#include "base/fd.hpp"
#include "base/origin.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace rtenv {

/// A prepared statement: bind the parameters (from 1), then step through the rows. Can be executed
/// again after `reset`. Must not outlive its Database.
class Statement {
 public:
  Statement(Statement&&) noexcept = default;

  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t number);
  /// Advances to the next row; false after the last one. Fails: unavailable (still locked after 30
  /// s), cancelled (while waiting for a lock, see WaitScope), out_of_space, corrupt,
  /// permission_denied, internal (also: a parameter was bound that the statement doesn't have).
  Result<bool> step();
  /// Executes the statement, ignoring its rows, and resets it. Fails: as step.
  Result<void> run();
  /// Clears the bindings; the statement can be executed again.
  void reset();

  /// Columns of the current row, from 0. NULL reads as an empty text and as 0.
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement(sqlite3_stmt* statement, const Path& file) : statement_(statement), file_(&file) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  Statement& note_bound(int index, int code);
  const Path* file_;              // of the database
  std::optional<Error> unbound_;  // of a parameter
};

/// A borrowed statement from the cache of its Database, which it must not outlive. Reset on
/// destruction.
class CachedStatement {
 public:
  explicit CachedStatement(Statement& statement) : statement_(&statement) {}
  CachedStatement(CachedStatement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  CachedStatement& operator=(CachedStatement&&) = delete;
  ~CachedStatement() {
    if (statement_ != nullptr) statement_->reset();
  }
  Statement* operator->() const noexcept { return statement_; }
  Statement& operator*() const noexcept { return *statement_; }

 private:
  Statement* statement_;
};

class Database {
 public:
  /// Opens the file, creating it if it doesn't exist, in WAL mode with synchronous=NORMAL. Waits up
  /// to 30 s for locks of other processes. Fails: as Statement::step; not_found (its folder).
  static Result<Database> open(const Path& path);
  /// For a disk that is almost full: the space of the write-ahead log stays on the disk when the
  /// file is closed, until `open` closes it. Fails: as open.
  static Result<Database> open_keeping_log(const Path& path);
  /// For a disk that is full. As open_keeping_log; also, if no other process has the file open,
  /// none can until this object is destroyed, and the log's index takes no space. Fails: as open.
  static Result<Database> open_on_full_disk(const Path& path);

  /// Fails: unavailable, if the file that was opened isn't there any more.
  [[nodiscard]] Result<void> check_present() const { return check_usable(); }

  /// Fails: as Statement::step; internal for invalid SQL.
  Result<Statement> prepare(std::string_view sql);
  /// Prepares the statement at the first call and returns the cached one afterwards. Requires:
  /// `sql` is a string literal, and its previous CachedStatement was destroyed. Fails: as
  /// prepare.
  Result<CachedStatement> prepare_cached(const char* sql);
  /// Executes one or more statements without parameters. Fails: as Statement::step.
  Result<void> execute(const char* sql);

  /// Calls `body`, which returns a Result, in a write transaction. Commits if it succeeds, else
  /// rolls back. Fails: as `body`, as Statement::step.
  template <class Body>
  auto transaction(Body body) -> decltype(body()) {
    roll_back();  // of an earlier one that couldn't be
    if (auto begun = run("BEGIN IMMEDIATE"); !begun) return Failure(std::move(begun).error());
    const RollBack unless_committed{*this};
    auto result = without_exceptions(body);
    if (!result) return result;
    if (auto committed = run("COMMIT"); !committed) return Failure(std::move(committed).error());
    return result;
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  // An open transaction locks the database for every process: whatever happens, it ends.
  struct RollBack {
    Database& database;
    ~RollBack() { database.roll_back(); }
  };
  explicit Database(std::unique_ptr<DatabaseFiles> files) : files_(std::move(files)) {}
  // If there is a transaction. Takes no memory.
  void roll_back() noexcept;
  [[nodiscard]] Result<void> check_usable() const;
  [[nodiscard]] Failure failed_to(std::string_view action) const;
  static Result<Database> connect(const Path& path);
  Result<void> use_write_ahead_log(std::chrono::milliseconds patience);
  Result<void> run(const char* sql);
  void keep_write_ahead_log();
  Origin origin_;
  // Each is used by the next ones.
  std::unique_ptr<DatabaseFiles> files_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<sqlite3_stmt, Statement::Finalize> roll_back_;
  std::map<const char*, Statement> cached_;
};

}  // namespace rtenv
