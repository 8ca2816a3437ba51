#include "base/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

#include "base/folder_entries.hpp"
#include "base/wait_scope.hpp"

namespace rtenv {
namespace {

constexpr std::chrono::milliseconds k_patience{30'000};
constexpr const char* k_settings = "PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON";

// A handler of sqlite3_busy_handler: waits for a lock of another connection. `count`: the earlier
// calls for the same lock. Returns 0 to give up.
int wait_for_lock(void* /*unused*/, int count) {
  constexpr int k_doublings = 6;
  constexpr int k_longest_ms = 1 << k_doublings;
  const int waited_ms = count < k_doublings
                            ? (1 << count) - 1
                            : k_longest_ms - 1 + (count - k_doublings) * k_longest_ms;
  if (waited_ms >= k_patience.count() || WaitScope::is_over()) return 0;
  WaitScope::sleep(std::chrono::milliseconds(1 << std::min(count, k_doublings)));
  return 1;
}

// SQLite's VFS, except that it doesn't resolve links: they would be those of a path that may lead
// elsewhere when the log is opened. See DatabaseFiles.
class VfsThatKeepsPaths {
 public:
  // Registers it unless it is, which may have failed for lack of memory.
  static const char* name() {
    static VfsThatKeepsPaths vfs;
    const std::lock_guard lock(vfs.mutex_);
    if (sqlite3_vfs_find(vfs.name_.data()) == nullptr) vfs.register_again();
    return vfs.name_.data();
  }

 private:
  // A process may have several copies of this library.
  VfsThatKeepsPaths() {
    std::snprintf(name_.data(), name_.size(), "rtenv %p", static_cast<void*>(this));
  }
  // This library may be unloaded before SQLite is. In a fork, a thread that it doesn't have may
  // hold SQLite's locks.
  ~VfsThatKeepsPaths() {
    if (origin_.is_this_process()) sqlite3_vfs_unregister(&vfs_);
  }

  void register_again() {
    const sqlite3_vfs* const usual = sqlite3_vfs_find("unix");
    if (usual == nullptr) return;
    vfs_ = *usual;
    vfs_.zName = name_.data();
    vfs_.xFullPathname = [](sqlite3_vfs*, const char* path, int size, char* full) {
      const int length = std::snprintf(full, static_cast<std::size_t>(size), "%s", path);
      return length < size ? SQLITE_OK : SQLITE_CANTOPEN;
    };
    // While another process opens the log, SQLite waits by itself, for up to 10 s.
    vfs_.xSleep = [](sqlite3_vfs*, int microseconds) {
      const std::chrono::microseconds time(microseconds);
      if (time < std::chrono::milliseconds(1))
        std::this_thread::sleep_for(time);
      else if (!WaitScope::is_over())
        WaitScope::sleep(std::chrono::duration_cast<std::chrono::milliseconds>(time));
      return microseconds;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }

  Origin origin_;
  std::mutex mutex_;
  std::array<char, 32> name_{};
  sqlite3_vfs vfs_{};
};

// Whether SQLite's last failure was for lack of space, inodes or quota. It reports the errno of its
// system call, but not for the shared memory of the write-ahead log.
bool is_full(sqlite3* handle) {
  const int error = sqlite3_system_errno(handle);
  if (error == ENOSPC || error == EDQUOT) return true;
  const char* const file = sqlite3_db_filename(handle, "main");
  struct statvfs status {};
  return file != nullptr && ::statvfs(Path(file).parent_path().c_str(), &status) == 0 &&
         (status.f_bavail == 0 || (status.f_files != 0 && status.f_favail == 0));
}

// The same of descriptors and memory. Returns the errno, or 0.
int missing_resource(sqlite3* handle) {
  const int error = sqlite3_system_errno(handle);
  if (error == EMFILE || error == ENFILE || error == ENOMEM) return error;
  const Fd any(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return any || (errno != EMFILE && errno != ENFILE) ? 0 : errno;
}

Failure fail_sqlite(sqlite3* handle, std::string_view action, const std::string& file) {
  const int code = handle != nullptr ? sqlite3_errcode(handle) : SQLITE_NOMEM;
  const char* reason = handle != nullptr ? sqlite3_errmsg(handle) : "out of memory";
  const bool has_system_error =
      handle != nullptr && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN);
  if (const int missing = has_system_error ? missing_resource(handle) : 0; missing != 0)
    return fail(system_error(missing, action, file));
  const bool is_locked = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_PROTOCOL;
  if (is_locked)
    if (auto stopped = WaitScope::check(file); !stopped) return Failure(std::move(stopped).error());
  Errc errc = Errc::internal;
  switch (code & 0xff) {
    case SQLITE_IOERR:
      if (is_full(handle)) errc = Errc::out_of_space;
      break;
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
    case SQLITE_LOCKED: errc = Errc::unavailable; break;
    case SQLITE_NOMEM: errc = Errc::unavailable; break;
    case SQLITE_FULL: errc = Errc::out_of_space; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: errc = Errc::corrupt; break;
    case SQLITE_PERM:
    case SQLITE_READONLY: errc = Errc::permission_denied; break;
    case SQLITE_CANTOPEN:
      errc = is_full(handle) ? Errc::out_of_space : Errc::permission_denied;
      break;
    default: break;
  }
  if (errc == Errc::out_of_space) reason = "no space left on the disk";
  if ((code & 0xff) == SQLITE_PROTOCOL) reason = "another process has been opening it for too long";
  return fail(errc, "cannot {} {}: {}", action, file, reason);
}

// SQLite leaves holes in the log's index, which it maps: on a full disk, writing to one would end
// the process (SIGBUS). Uses SQLite's own descriptor: closing another one would release its locks.
Result<void> allocate_log_index(const DatabaseFiles& files) {
  constexpr off_t k_index_bytes = 32 << 10;
  struct stat index {};
  if (::stat((files.path_in_folder().native() + "-shm").c_str(), &index) != 0) return {};
  for (const FolderEntry& entry : readable_entries("/proc/self/fd")) {
    const int fd = std::atoi(entry.name().c_str());
    // Another thread may close the descriptor and open something else meanwhile: a size must not
    // change.
    struct statx status {};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO, &status) != 0 || status.stx_ino != index.st_ino ||
        makedev(status.stx_dev_major, status.stx_dev_minor) != index.st_dev)
      continue;
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, k_index_bytes) == 0) return {};
    if (errno != ENOSPC && errno != EDQUOT) return {};  // a file system without fallocate
    return fail(Errc::out_of_space, "cannot open {}: no space left on the disk",
                files.path().native());
  }
  return {};
}

// So that a few changes can be written when the disk has become full. SQLite has no locks on this
// file.
void allocate_log(const DatabaseFiles& files) {
  constexpr off_t k_log_bytes = 256 << 10;
  const Fd log(
      ::open((files.path_in_folder().native() + "-wal").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (log) [[maybe_unused]]
    const int allocated = ::fallocate(log.get(), FALLOC_FL_KEEP_SIZE, 0, k_log_bytes);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
  return note_bound(index, sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                               SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::bind(int index, std::int64_t number) {
  return note_bound(index, sqlite3_bind_int64(statement_.get(), index, number));
}

Statement& Statement::note_bound(int index, int code) {
  if (code == SQLITE_NOMEM)
    unbound_ = fail(Errc::unavailable, "cannot query {}: out of memory", file_->native());
  else if (code != SQLITE_OK)
    unbound_ = fail(Errc::internal, "the parameter {} can't be bound in: {}", index,
                    sqlite3_sql(statement_.get()));
  return *this;
}

Result<bool> Statement::step() {
  if (unbound_) return *unbound_;
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: {
      auto failure = fail_sqlite(sqlite3_db_handle(statement_.get()), "query", file_->native());
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
  unbound_.reset();
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

Failure Database::failed_to(std::string_view action) const {
  return fail_sqlite(handle_.get(), action, files_->path().native());
}

Result<Database> Database::connect(const Path& path) {
  RTENV_TRY(auto files, DatabaseFiles::at(path));
  Database database(std::move(files));
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(database.files_->path_in_folder().c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, VfsThatKeepsPaths::name());
  database.handle_.reset(handle);  // also after a failure
  if (code != SQLITE_OK) return database.failed_to("open");
  RTENV_TRY(database.files_->note_open(handle));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, wait_for_lock, nullptr);
  // Compiled now: it is needed when there is no memory.
  sqlite3_stmt* roll_back = nullptr;
  if (sqlite3_prepare_v3(handle, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT, &roll_back, nullptr) !=
      SQLITE_OK)
    return database.failed_to("open");
  database.roll_back_.reset(roll_back);
  return database;
}

Result<Database> Database::open(const Path& path) {
  RTENV_TRY(Database database, connect(path));
  RTENV_TRY(database.use_write_ahead_log(k_patience));
  RTENV_TRY(database.execute(k_settings));
  // The log of a new database is opened with its first transaction.
  RTENV_TRY(database.execute("SELECT 1 FROM sqlite_schema LIMIT 1"));
  database.files_->note_index();
  RTENV_TRY(allocate_log_index(*database.files_));
  allocate_log(*database.files_);
  return database;
}

Result<Database> Database::open_keeping_log(const Path& path) {
  RTENV_TRY(Database database, open(path));
  database.keep_write_ahead_log();
  return database;
}

Result<Database> Database::open_on_full_disk(const Path& path) {
  RTENV_TRY(Database alone, connect(path));
  sqlite3_busy_handler(alone.handle_.get(), nullptr, nullptr);
  RTENV_TRY(alone.execute("PRAGMA locking_mode=EXCLUSIVE"));
  auto opened = alone.use_write_ahead_log(std::chrono::milliseconds(0));
  if (opened) opened = alone.execute(k_settings);
  if (opened) opened = alone.execute("BEGIN IMMEDIATE; COMMIT");  // takes the lock
  if (opened) {
    alone.keep_write_ahead_log();
    return alone;
  }
  if (opened.error().code() != Errc::unavailable) return Failure(std::move(opened).error());
  return open_keeping_log(path);
}

void Database::keep_write_ahead_log() {
  int keep = 1;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

// While another process switches a new database to WAL, SQLite returns SQLITE_BUSY at once instead
// of honoring the busy timeout, to avoid a deadlock. So retry here.
Result<void> Database::use_write_ahead_log(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds k_retry_interval{2};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const int code =
        sqlite3_exec(handle_.get(), "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() >= deadline ||
        WaitScope::is_over())
      return failed_to("query");
    WaitScope::sleep(k_retry_interval);
  }
}

// https://www.sqlite.org/howtocorrupt.html, 2.6: a connection must not be used across a fork.
// SQLite goes on with a file that has no name any more, beside those that use what has its name
// now.
Result<void> Database::check_usable() const {
  RTENV_TRY(origin_.check(files_->path().native()));
  return files_->check_present();
}

Result<Statement> Database::prepare(std::string_view sql) {
  RTENV_TRY(check_usable());
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK)
    return failed_to("query");
  return Statement(statement, files_->path());
}

Result<CachedStatement> Database::prepare_cached(const char* sql) {
  RTENV_TRY(check_usable());
  auto found = cached_.find(sql);
  if (found == cached_.end()) {
    RTENV_TRY(auto statement, prepare(sql));
    found = cached_.emplace(sql, std::move(statement)).first;
  }
  return CachedStatement(found->second);
}

// Also of a file that was removed or replaced: it may come back.
void Database::roll_back() noexcept {
  if (!origin_.is_this_process() || sqlite3_get_autocommit(handle_.get()) != 0) return;
  sqlite3_step(roll_back_.get());
  sqlite3_reset(roll_back_.get());
}

Result<void> Database::run(const char* sql) {
  RTENV_TRY(const auto statement, prepare_cached(sql));
  return statement->run();
}

Result<void> Database::execute(const char* sql) {
  RTENV_TRY(check_usable());
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed_to("query");
  return {};
}

}  // namespace rtenv
