#include "base/database.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/wait_scope.hpp"
#include "support/in_fork.hpp"
#include "support/own_process.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"
#include "support/used_descriptors.hpp"

namespace rtenv {
namespace {

TEST(Database, CanBeCreatedByManyThreadsAtOnce) {
  constexpr int k_rounds = 20;
  constexpr int k_threads = 8;
  TreeBuilder tree;
  for (int round = 0; round < k_rounds; ++round) {
    const Path path = tree / std::to_string(round);
    std::atomic<bool> go = false;
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < k_threads; ++i)
      threads.emplace_back([&] {
        go.wait(false);
        auto database = Database::open(path);
        if (!database ||
            !database->execute("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)"))
          ++failures;
      });
    go = true;
    go.notify_all();
    threads.clear();
    EXPECT_EQ(failures, 0);
  }
}

class DatabaseTable : public testing::Test {
 protected:
  Result<void> insert(std::string_view name, std::int64_t number) {
    RTENV_TRY(const auto statement, database.prepare_cached("INSERT INTO t VALUES (?, ?)"));
    return statement->bind(1, name).bind(2, number).run();
  }
  std::int64_t count() {
    auto statement = must(database.prepare("SELECT count(*) FROM t"));
    EXPECT_TRUE(must(statement.step()));
    return statement.number(0);
  }
  static Database create(const Path& path) {
    auto created = Database::open(path);  // not by must(): GCC 12 warns falsely about its parameter
    if (!created) throw std::runtime_error(created.error().message());
    must(created->execute("CREATE TABLE t (name TEXT UNIQUE, number)"));
    return std::move(*created);
  }
  TreeBuilder tree;
  Database database = create(tree / "db");
};

TEST_F(DatabaseTable, CachedStatementsCanBeReused) {
  must(insert("a", 1));
  must(insert("b", 1LL << 40));
  auto rows = must(database.prepare("SELECT name, number, NULL FROM t ORDER BY name"));
  ASSERT_TRUE(must(rows.step()));
  EXPECT_EQ(rows.text(0), "a");
  ASSERT_TRUE(must(rows.step()));
  EXPECT_EQ(rows.text(0), "b");
  EXPECT_EQ(rows.number(1), 1LL << 40);
  EXPECT_EQ(rows.text(2), "");
  EXPECT_FALSE(must(rows.step()));
}

TEST_F(DatabaseTable, ACachedStatementCanBeReusedAfterAnError) {
  must(insert("a", 1));
  EXPECT_THAT(insert("a", 2), IsError(Errc::internal, "UNIQUE"));
  must(insert("b", 2));
  EXPECT_EQ(count(), 2);
}

TEST_F(DatabaseTable, ATransactionIsRolledBackIfItsBodyFails) {
  const auto failed = database.transaction([&]() -> Result<void> {
    RTENV_TRY(insert("a", 1));
    return fail(Errc::corrupt, "no");
  });
  EXPECT_THAT(failed, IsError(Errc::corrupt));
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(must(database.transaction([&]() -> Result<int> {
              RTENV_TRY(insert("a", 1));
              return 7;
            })),
            7);
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTable, RefusesAParameterThatTheStatementDoesNotHave) {
  auto statement = database.prepare("SELECT ?1");
  ASSERT_TRUE(statement);
  statement->bind(2, std::int64_t{7});
  EXPECT_THAT(statement->step(), IsError(Errc::internal, "the parameter 2"));
}

TEST_F(DatabaseTable, RefusesToWorkInAFork) {
  must(insert("a", 1));
  in_fork([&] {
    EXPECT_THAT(insert("b", 2), IsError(Errc::invalid_argument, "before this process was forked"));
    EXPECT_THAT(database.execute("DELETE FROM t"), IsError(Errc::invalid_argument));
  });
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTable, RefusesToWorkOnceItsFileWasRemovedOrReplaced) {
  std::filesystem::remove(tree / "db");
  EXPECT_THAT(insert("a", 1), IsError(Errc::unavailable, "removed or replaced"));
  for (const char* file : {"db-wal", "db-shm"}) std::filesystem::remove(tree / file);
  Database next = create(tree / "db");
  EXPECT_THAT(insert("a", 1), IsError(Errc::unavailable, "removed or replaced"));
  EXPECT_THAT(next.execute("INSERT INTO t VALUES ('a', 1)"), IsOk());
}

TEST_F(DatabaseTable, ATransactionEndsAlsoIfTheFileIsAwayMeanwhile) {
  const auto moved = database.transaction([&]() -> Result<void> {
    RTENV_TRY(rename_path(tree / "db", tree / "away"));
    return insert("a", 1);
  });
  EXPECT_THAT(moved, IsError(Errc::unavailable, "removed or replaced"));
  must(rename_path(tree / "away", tree / "db"));
  EXPECT_THAT(database.transaction([&] { return insert("a", 1); }), IsOk());
  EXPECT_EQ(count(), 1);
}

// SQLite would empty the log's index of the one folder while it is mapped for the other's database:
// then the process ends by SIGBUS.
TEST(Database, FoldersMayBeExchangedWhileThreadsOpenTheirDatabases) {
  constexpr int k_exchanges = 3000;
  TreeBuilder tree;
  for (const char* name : {"one", "other"}) {
    std::filesystem::create_directory(tree / name);
    must(must(Database::open(tree / name / "db")).execute("CREATE TABLE t (x)"));
  }
  std::atomic<bool> ended = false;
  std::atomic<int> unexpected = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!ended) {
        auto database = Database::open(tree / "one" / "db");
        const auto inserted = database ? database->execute("INSERT INTO t VALUES (1)")
                                       : Result<void>(Failure(database.error()));
        if (!inserted && inserted.error().code() != Errc::unavailable) ++unexpected;
      }
    });
  for (int i = 0; i < k_exchanges; ++i)
    ASSERT_EQ(::renameat2(AT_FDCWD, (tree / "one").c_str(), AT_FDCWD, (tree / "other").c_str(),
                          RENAME_EXCHANGE),
              0);
  ended = true;
  threads.clear();
  EXPECT_EQ(unexpected, 0);
  for (const char* name : {"one", "other"}) {
    auto database = must(Database::open(tree / name / "db"));
    auto check = must(database.prepare("PRAGMA integrity_check"));
    ASSERT_TRUE(must(check.step()));
    EXPECT_EQ(check.text(0), "ok") << name;
  }
}

TEST_F(DatabaseTable, ANewOneIsNotOpenedBesideTheLogOfARemovedOne) {
  std::filesystem::remove(tree / "db");
  EXPECT_THAT(Database::open(tree / "db"), IsError(Errc::unavailable, "removed or replaced"));
  for (const char* file : {"db-wal", "db-shm"}) std::filesystem::remove(tree / file);
  EXPECT_THAT(Database::open(tree / "db"), IsOk());
}

bool is_locked_by_another_process(const Path& file) {
  int result = 0;
  const int status = status_of_fork([&] {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {
      .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0
    };
    result = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 7 : 0;
    ::_exit(result);
  });
  return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

TEST_F(DatabaseTable, StaysLockedWhenItsFilesAreReadAndClosedElsewhereInTheProcess) {
  must(insert("a", 1));
  for (const char* file : {"db", "db-shm"}) {
    ASSERT_TRUE(is_locked_by_another_process(tree / file)) << file;
    must(read_file(tree / file));
    EXPECT_TRUE(is_locked_by_another_process(tree / file)) << file;
  }
  const std::size_t before = count_descriptors();
  {
    Database other = must(Database::open(tree / "db"));
    must(read_file(tree / "db"));
  }
  EXPECT_TRUE(is_locked_by_another_process(tree / "db"));
  EXPECT_LE(count_descriptors(), before + 2) << "kept until the file is closed";
}

TEST_F(DatabaseTable, AForkExitsWhileItsParentHoldsSQLitesLock) {
  sqlite3_mutex* const lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_MAIN);
  sqlite3_mutex_enter(lock);
  const int status = status_of_fork([] {
    ::alarm(20);
    std::exit(0);
  });
  sqlite3_mutex_leave(lock);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(DatabaseTable, AForkOpensItsOwnWhileThreadsOfItsParentCloseFiles) {
  tree.file("text", "x");
  std::atomic<bool> ended = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!ended) must(read_file(tree / "text"));
    });
  for (int i = 0; i < 50; ++i)
    in_fork([&] {
      must(read_file(tree / "text"));
      OpenDatabases::of_process().begin_use();
      must(read_file(tree / "text"));
    });
  ended = true;
}

TEST(Database, IsLockedFromTheStartWhileItsFilesAreRead) {
  TreeBuilder tree;
  must(Database::open_keeping_log(tree / "db"));
  for (int i = 0; i < 200; ++i) {
    std::jthread reader([&] {
      for (int j = 0; j < 50; ++j) [[maybe_unused]] const auto text = read_file(tree / "db-shm");
    });
    const Database database = must(Database::open_keeping_log(tree / "db"));
    reader.join();
    EXPECT_TRUE(is_locked_by_another_process(tree / "db-shm")) << i;
  }
}

TEST_F(DatabaseTable, WaitingForALockEndsWithTheCall) {
  Database other = must(Database::open(tree / "db"));
  must(other.execute("BEGIN IMMEDIATE"));
  const auto cancellation = must(Cancellation::create());
  std::jthread stop([&] { cancellation.request(); });
  const WaitScope scope(&cancellation);
  EXPECT_THAT(insert("a", 1), IsError(Errc::cancelled, "waiting for"));
}

// SQLite waits for it by itself, and not in the busy handler.
TEST(Database, WaitingForAnotherProcessThatOpensTheLogEndsWithTheCall) {
  TreeBuilder tree;
  must(Database::open(tree / "db"));
  tree.file("db-shm", std::string(1U << 15U, '\0'));
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd is_locked(ends[0]);
  Fd locks(ends[1]);
  const pid_t other = ::fork();
  if (other == 0) {
    const Fd log_index(::open((tree / "db-shm").c_str(), O_RDWR));
    // Of the format: the writer's lock, and that of any user.
    for (const auto& [type, at] : {std::pair(F_WRLCK, 120), std::pair(F_RDLCK, 128)}) {
      struct flock lock {};
      lock.l_type = static_cast<short>(type);
      lock.l_start = at;
      lock.l_len = 1;
      if (::fcntl(log_index.get(), F_SETLK, &lock) != 0) ::_exit(1);
    }
    if (::write(locks.get(), "x", 1) != 1) ::_exit(1);
    ::alarm(60);
    for (;;) ::pause();
  }
  locks.reset();
  char ready = 0;
  ASSERT_EQ(::read(is_locked.get(), &ready, 1), 1);
  const auto cancellation = must(Cancellation::create());
  cancellation.request();
  {
    const WaitScope scope(&cancellation);
    EXPECT_THAT(Database::open(tree / "db"), IsError(Errc::cancelled, "waiting for"));
  }
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  EXPECT_THAT(Database::open(tree / "db"), IsOk());
}

TEST_F(DatabaseTable, CleaningUpDoesNotWaitLong) {
  Database other = must(Database::open(tree / "db"));
  must(other.execute("BEGIN IMMEDIATE"));
  const WaitScope scope(std::chrono::milliseconds(1));
  EXPECT_THAT(insert("a", 1), IsError(Errc::unavailable));
  must(other.execute("COMMIT"));
  EXPECT_THAT(insert("a", 1), IsOk());
}

TEST(Database, ReportsThatNoDescriptorIsLeft) {
  TreeBuilder tree;
  must(Database::open(tree / "db"));
  for (int left = 0; left < 4; ++left) {
    const UsedDescriptors used(left);
    const auto opened = Database::open(tree / "db");
    if (opened) {
      EXPECT_GT(left, 0);
    } else {
      EXPECT_THAT(opened, IsError(Errc::unavailable, "Too many open files")) << left;
    }
  }
}

TEST(Database, ReportsCorruptForAFileThatIsNotADatabase) {
  TreeBuilder tree;
  tree.file("db", std::string(4096, 'x'));
  EXPECT_THAT(Database::open(tree / "db"), IsError(Errc::corrupt, (tree / "db").native()));
}

}  // namespace
}  // namespace rtenv
