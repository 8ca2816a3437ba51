#include "base/database.hpp"

#include <sqlite3.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

namespace rtenv {
namespace {

constexpr int k_busy_timeout_ms = 30'000;
constexpr int k_busy_retry_ms = 2;

// Whether SQLite's last failure was for lack of space, inodes or quota. It reports the errno of its
// system call, but not for the shared memory of the write-ahead log.
bool is_full(sqlite3* handle, const char* file) {
  const int error = sqlite3_system_errno(handle);
  if (error == ENOSPC || error == EDQUOT) return true;
  struct statvfs status {};
  return file != nullptr && ::statvfs(Path(file).parent_path().c_str(), &status) == 0 &&
         (status.f_bavail == 0 || (status.f_files != 0 && status.f_favail == 0));
}

Failure fail_sqlite(sqlite3* handle, std::string_view action) {
  const int code = handle != nullptr ? sqlite3_errcode(handle) : SQLITE_NOMEM;
  const char* reason = handle != nullptr ? sqlite3_errmsg(handle) : "out of memory";
  const char* file = handle != nullptr ? sqlite3_db_filename(handle, "main") : nullptr;
  Errc errc = Errc::internal;
  switch (code & 0xff) {
    case SQLITE_IOERR:
      if (is_full(handle, file)) errc = Errc::out_of_space;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: errc = Errc::unavailable; break;
    case SQLITE_FULL: errc = Errc::out_of_space; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: errc = Errc::corrupt; break;
    case SQLITE_PERM:
    case SQLITE_READONLY: errc = Errc::permission_denied; break;
    case SQLITE_CANTOPEN:
      errc = is_full(handle, file) ? Errc::out_of_space : Errc::permission_denied;
      break;
    default: break;
  }
  if (errc == Errc::out_of_space) reason = "no space left on the disk";
  return fail(errc, "cannot {} {}: {}", action, file != nullptr ? file : "a database", reason);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: {
      auto failure = fail_sqlite(sqlite3_db_handle(statement_.get()), "query");
      reset();
      return failure;
    }
  }
}

Result<void> Statement::run() {
  for (;;) {
    RTENV_TRY(const bool row, step());
    if (!row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data != nullptr ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }

Result<Database> Database::open(const Path& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return fail_sqlite(handle, "open");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, k_busy_timeout_ms);
  RTENV_TRY(database.use_write_ahead_log());
  RTENV_TRY(database.execute("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON"));
  return database;
}

// While another process switches a new database to WAL, SQLite returns SQLITE_BUSY at once instead
// of honoring the busy timeout, to avoid a deadlock. So retry here.
Result<void> Database::use_write_ahead_log() {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(k_busy_timeout_ms);
  for (;;) {
    const int code =
        sqlite3_exec(handle_.get(), "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline)
      return fail_sqlite(handle_.get(), "query");
    std::this_thread::sleep_for(std::chrono::milliseconds(k_busy_retry_ms));
  }
}

void Database::keep_write_ahead_log() {
  int keep = 1;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK)
    return fail_sqlite(handle_.get(), "query");
  return Statement(statement);
}

Result<CachedStatement> Database::prepare_cached(const char* sql) {
  auto found = cached_.find(sql);
  if (found == cached_.end()) {
    RTENV_TRY(auto statement, prepare(sql));
    found = cached_.emplace(sql, std::move(statement)).first;
  }
  return CachedStatement(found->second);
}

Result<void> Database::run(const char* sql) {
  RTENV_TRY(const auto statement, prepare_cached(sql));
  return statement->run();
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail_sqlite(handle_.get(), "query");
  return {};
}

}  // namespace rtenv
