// SQLite, in the few shapes that rtenv needs. Nothing else in the project includes sqlite3.h.
// A Database belongs to one thread at a time; several processes may have the same file open.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace rtenv {

/// A prepared statement: bind, then step. Reset and unbound when it goes out of use, so it can be
/// kept and reused.
class Statement {
 public:
  Statement(Statement&&) noexcept = default;

  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t number);
  /// True while there is a row. Fails: unavailable (locked for longer than the wait), out_of_space,
  /// corrupt, internal.
  Result<bool> step();
  /// Steps to the end, rows ignored, and makes the statement ready for the next use.
  Result<void> run();
  /// Makes the statement ready for the next use.
  void reset();

  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A statement that its Database keeps for the next time; ready for that when this goes out of use.
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
  /// Opens or makes the file, in WAL mode with synchronous=NORMAL. Others' locks are waited for, 30
  /// s at most.
  static Result<Database> open(const Path& path);

  Result<Statement> prepare(std::string_view sql);
  /// For what is asked often: prepared once. Requires: `sql` is a literal; of one literal, one in
  /// use at a time.
  Result<CachedStatement> prepare_cached(const char* sql);
  /// Runs one or more statements without parameters.
  Result<void> execute(const char* sql);

  /// Runs `body` (returning a Result) in a write transaction; rolls back when it fails.
  template <class Body>
  auto transaction(Body body) -> decltype(body()) {
    if (auto begun = run("BEGIN IMMEDIATE"); !begun) return Failure(std::move(begun).error());
    auto result = body();
    if (!result) {
      [[maybe_unused]] const auto rolled_back = execute("ROLLBACK");
      return result;
    }
    if (auto committed = run("COMMIT"); !committed) {
      [[maybe_unused]] const auto rolled_back = execute("ROLLBACK");
      return Failure(std::move(committed).error());
    }
    return result;
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Result<void> use_write_ahead_log();
  Result<void> run(const char* sql);
  std::unique_ptr<sqlite3, Close> handle_;
  std::map<const char*, Statement> cached_;  // after the handle: finalized before it is closed
};

}  // namespace rtenv
